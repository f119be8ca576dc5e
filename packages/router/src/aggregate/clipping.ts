import { type Check, type Checks, options } from '@gatelet/core'
import { dropping, fieldPath, keeping, type Reshape, renaming } from './fields.ts'

/** What of a part's JSON goes into the reply, and where it stands there. In the order in which it is done. */
export interface Clipping {
  /** Only what stands here is taken, for example `data.items`. Nothing there is a part that failed. Default: all. */
  target?: string
  /**
   * Only these fields are shown, for example `['id', 'items.price']`; a path goes through lists, to each of their items. What has
   * no fields where a path goes on is not shown. At most 1,000. Default: all.
   */
  allow?: readonly string[]
  /** These fields are not shown, at most 1,000. Parts behind do see them. Default: none. */
  deny?: readonly string[]
  /** Other names for fields: `{ 'items.sku': 'id' }` makes `items.id`. A field that had that name already is replaced. */
  rename?: Readonly<Record<string, string>>
  /**
   * Where it stands: `page.user` is `{ "page": { "user": … } }`. `false`: its fields go into the reply itself, and it fails when it
   * is no object. Default: the name of the part.
   */
  group?: string | false
}

/** What is done to the JSON of a part, taken apart once. */
export interface Clipped {
  readonly target: readonly string[] | undefined
  readonly reshape: Reshape
  /** False: its fields go into the reply itself. Undefined: under the name of the part. */
  readonly group: readonly string[] | false | undefined
  /** The names of the fields that it can have at most; undefined where any. */
  readonly fields: readonly string[] | undefined
}

/** The same, checked. */
export interface CheckedClipping {
  target?: readonly string[]
  allow?: readonly (readonly string[])[]
  deny?: readonly (readonly string[])[]
  rename?: Readonly<Record<string, string>>
  group?: readonly string[] | false
}

const { either, list, oneOf, optional, record, string } = options

const newNames: Check<Readonly<Record<string, string>>> = (value, path) => {
  const names = record(string)(value, path)
  for (const from of Object.keys(names)) fieldPath(from, path)
  return names
}

/** The checks of `Clipping`. */
export const clippingChecks: Checks<CheckedClipping> = {
  target: optional(fieldPath),
  allow: optional(list(fieldPath, { min: 1, max: 1_000 })),
  deny: optional(list(fieldPath, { max: 1_000 })),
  rename: optional(newNames),
  group: optional(either('names with dots between them, such as page.user, or false', fieldPath, oneOf(false))),
}

/** Of options that are checked. */
export function clipped({ target, allow, deny = [], rename = {}, group }: CheckedClipping): Clipped {
  const names = Object.entries(rename).map(([from, to]) => [from.split('.'), to] as const)
  const steps: Reshape[] = []
  if (allow) steps.push(keeping(allow))
  if (deny.length > 0) steps.push(dropping(deny))
  if (names.length > 0) steps.push(renaming(names))
  const shown = allow && new Set(allow.map(([first]) => first as string))
  const fields = shown && [...shown].map((name) => (Object.hasOwn(rename, name) ? (rename[name] as string) : name))
  return { target, group, fields, reshape: (value) => steps.reduce((before, step) => step(before), value) }
}
