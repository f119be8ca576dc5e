import { type Check, options } from '@gatelet/core'
import type { JsonValue } from './part.ts'

/** Names one below the other, of which the last means something. */
interface Tree<T> {
  here: T | undefined
  readonly below: Map<string, Tree<T>>
}

export type Reshape = (value: unknown) => unknown

/** `data.items` as its names. */
export const fieldPath: Check<readonly string[]> = (value, path) => {
  const names = typeof value === 'string' ? value.split('.') : ['']
  if (names.some((name) => name === '') || names.length > MAX_NAMES)
    throw options.wrong(value, path, 'names with dots between them, such as data.items')
  return names
}

const MAX_NAMES = 20

/** What stands at the path; undefined where nothing does. Arrays are not gone through: there is one target. */
export function fieldAt(value: JsonValue, path: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = value
  for (const name of path) {
    if (!isObject(at) || !Object.hasOwn(at, name)) return undefined
    at = at[name] as JsonValue | undefined
  }
  return at
}

/** Keeps the named fields and no others; each path goes through arrays, to every item. */
export function keeping(paths: readonly (readonly string[])[]): Reshape {
  return kept(treeOf(paths.map((path) => [path, true])))
}

/** Takes the named fields away. */
export function dropping(paths: readonly (readonly string[])[]): Reshape {
  const tree = treeOf(paths.map((path) => [path, true]))
  return (value) => dropped(value, tree)
}

/** Gives the named fields other names, in the object where they stand. A field that had the new name already is replaced. */
export function renaming(names: readonly (readonly [path: readonly string[], to: string])[]): Reshape {
  const tree = treeOf(names)
  return (value) => renamed(value, tree)
}

function treeOf<T>(entries: readonly (readonly [path: readonly string[], meaning: T])[]): Tree<T> {
  const root: Tree<T> = { here: undefined, below: new Map() }
  for (const [path, meaning] of entries) {
    let node = root
    for (const name of path) {
      const next = node.below.get(name) ?? { here: undefined, below: new Map() }
      node.below.set(name, next)
      node = next
    }
    node.here = meaning
  }
  return root
}

function kept(tree: Tree<unknown>): Reshape {
  return function keep(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(keep).filter((item) => item !== undefined)
    if (!isObject(value)) return undefined
    return mapped(value, (name, field) => {
      const below = tree.below.get(name)
      return below && (below.here ? field : kept(below)(field))
    })
  }
}

function dropped(value: unknown, tree: Tree<unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => dropped(item, tree))
  if (!isObject(value)) return value
  return mapped(value, (name, field) => {
    const below = tree.below.get(name)
    if (!below) return field
    return below.here ? undefined : dropped(field, below)
  })
}

function renamed(value: unknown, tree: Tree<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, tree))
  if (!isObject(value)) return value
  const result = emptyObject()
  const moved: [string, unknown][] = []
  for (const [name, field] of Object.entries(value)) {
    const below = tree.below.get(name)
    const inside = below ? renamed(field, below) : field
    if (below?.here === undefined) result[name] = inside
    else moved.push([below.here, inside])
  }
  for (const [name, field] of moved) result[name] = field
  return result
}

function mapped(value: object, change: (name: string, field: unknown) => unknown): object {
  const result = emptyObject()
  for (const [name, field] of Object.entries(value)) {
    const changed = change(name, field)
    if (changed !== undefined) result[name] = changed
  }
  return result
}

/** No prototype: a name that a backend chose, `__proto__` too, is nothing but a name. */
export function emptyObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>
}

/** Whether it has fields by name. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
