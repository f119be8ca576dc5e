import {
  type Check,
  type Checks,
  type Context,
  checkOptions,
  type Handler,
  hearing,
  type MaybePromise,
  options,
} from '@gatelet/core'
import { fieldName } from '../filters/field-name.ts'
import { type StandardSchema, schema } from '../validation/standard-schema.ts'
import { type CheckedClipping, type Clipped, type Clipping, clipped, clippingChecks } from './clipping.ts'
import type { JsonValue, PartOptions, PartRequest } from './part.ts'
import { type Template, template, templateFrom } from './part-request.ts'

/** A part, checked and taken apart. Which state and which results it reads was proved by the types. */
export interface PartSettings extends Clipped {
  readonly from: Handler
  readonly after: readonly (readonly [name: string, part: PartSettings])[]
  readonly request: Template | RequestOf
  readonly passHeaders: readonly string[]
  readonly passQuery: true | readonly string[]
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly read: (value: JsonValue) => unknown
  readonly isOptional: boolean
  readonly notFound: 'fail' | 'pass' | 'null'
  readonly setCookies: boolean
}

type RequestOf = (ctx: Context, earlier: object) => MaybePromise<string | PartRequest>
type Read = ((value: JsonValue) => unknown) | StandardSchema

type Known = (part: unknown) => PartSettings | undefined

/** @throws GatewayError `BAD_OPTION` */
export function partSettings(given: object, known: Known): PartSettings {
  const checked = checkOptions<Checked>('part', given, { ...checks, after: optional(record(earlierPart(known))) })
  const { after = {}, passHeaders = [], passQuery = [], read = unread, notFound = 'fail', ...rest } = checked
  return {
    ...clipped(checked),
    from: hearing(rest.from),
    after: Object.entries(after),
    request: rest.request ?? templateFrom({}),
    passHeaders,
    passQuery,
    timeoutMs: rest.timeoutMs ?? 10_000,
    maxBytes: rest.maxBytes ?? 1_048_576,
    read: '~standard' in read ? bySchema(read) : read,
    isOptional: rest.optional ?? false,
    notFound,
    setCookies: rest.setCookies ?? false,
  }
}

type Checked = Omit<PartOptions, 'after' | 'request' | 'read' | keyof Clipping> &
  CheckedClipping & {
    after?: Readonly<Record<string, PartSettings>>
    request?: PartSettings['request']
    read?: Read
  }

const unread = (value: JsonValue): JsonValue => value

/** The message stays in the logs: it may hold what the backend said. */
function bySchema({ '~standard': { validate } }: StandardSchema): (value: JsonValue) => Promise<unknown> {
  return async (value) => {
    const result = await validate(value)
    if (result.issues)
      throw new TypeError(`it is not as its schema says: ${result.issues.map(({ message }) => message).join('; ')}`)
    return result.value
  }
}

function earlierPart(known: Known): Check<PartSettings> {
  return (value, path) => {
    const settings = known(value)
    if (!settings) throw options.wrong(value, path, 'made by part()')
    return settings
  }
}

const { boolean, either, fn, list, milliseconds, number, oneOf, optional, record, string } = options

const header = fieldName({
  host: 'the option host of proxy',
  expect: 'nothing: a body is sent when it is whole',
  range: 'maxBytes: a part of a JSON text is none',
  'accept-encoding': 'nothing: parts are asked for as they are',
})

const passedHeader: Check<string> = (value, path) => {
  const name = header(value, path)
  if (/^(?:if|content)-/i.test(name))
    throw options.wrong(value, path, 'a field that is not about the body or the cached reply of the client')
  return name.toLowerCase()
}

const asked: Check<Template | RequestOf> = (value, path) => {
  if (typeof value === 'function') return value as RequestOf
  if (typeof value === 'string' || (typeof value === 'object' && value !== null)) return template(value, path)
  throw options.wrong(value, path, 'a path, a request or a function (ctx, earlier) => request')
}

const checks: Omit<Checks<Checked>, 'after'> = {
  ...clippingChecks,
  from: fn<Handler>('a handler (ctx) => Reply'),
  request: optional(asked),
  passHeaders: optional(list(passedHeader, { max: 100 })),
  passQuery: optional(either('true or a list of names', oneOf(true), list(string, { max: 100 }))),
  timeoutMs: optional(milliseconds()),
  maxBytes: optional(number({ min: 1, max: 67_108_864, integer: true, unit: 'bytes' })),
  read: optional(either('a function (value) => value or a schema', schema, fn<(value: JsonValue) => unknown>())),
  optional: optional(boolean),
  notFound: optional(oneOf('fail', 'pass', 'null')),
  setCookies: optional(boolean),
}
