import { type Check, options, type ReadonlyHeaders } from '@gatelet/core'
import { anyOf, custom, type Matcher } from './matcher.ts'
import { linear } from './where.ts'

/**
 * What the value of a header or of a query parameter must be:
 * - a text: exactly this, with its case;
 * - a list of texts, at most 10,000: one of them;
 * - `true`: anything, but it must be there;
 * - a RegExp that the whole value must match; one whose time may grow faster than the value is refused;
 * - a function. It must be quick: it is asked for each request that comes by. When it throws, or gives a promise, the request is
 *   answered 500, and goes to no other route.
 */
export type Condition = string | readonly string[] | true | RegExp | ((value: string) => boolean)

/** A condition for each name. All of them must hold. */
export type Conditions = Readonly<Record<string, Condition>>

/** One condition, checked. Without a matcher the value only has to be there. */
export interface FieldCondition {
  readonly name: string
  readonly matcher: Matcher | undefined
}

/** Checks conditions on headers, whose names have no case. */
export const headerConditions: Check<readonly FieldCondition[]> = (value, path) => {
  const conditions = fieldConditions(value, path)
  const names = new Map<string, string>()
  return conditions.map(({ name: written, matcher }) => {
    const name = options.token('x-api-version')(written, `${path}.${written}`).toLowerCase()
    const other = names.get(name)
    if (other !== undefined)
      throw options.wrong(written, `${path}.${written}`, `another header than ${other}, since case plays no part`)
    names.set(name, written)
    const never = matcher?.values?.find((each) => neverSent.test(each))
    if (never !== undefined)
      throw options.wrong(never, `${path}.${written}`, 'without spaces around and control characters, as headers are')
    return { name, matcher }
  })
}

const neverSent = /^[\t ]|[\t ]$|[^\t\x20-\x7e\x80-\xff]/

/** Checks conditions on query parameters, whose names are compared with their case. */
export const queryConditions: Check<readonly FieldCondition[]> = fieldConditions

function fieldConditions(value: unknown, path: string): readonly FieldCondition[] {
  const checked = Object.entries(options.record(condition)(value, path))
  return checked.map(([name, matcher]) => ({ name, matcher: matcher === true ? undefined : matcher }))
}

const condition: Check<Matcher | true> = (value, path) => {
  if (value === true) return true
  if (typeof value === 'string') return anyOf([value])
  if (Array.isArray(value)) return anyOf(options.list(text, { min: 1, max: 10_000 })(value, path))
  if (value instanceof RegExp) return linear(value, path)
  if (typeof value === 'function') return custom(value as (value: string) => boolean)
  throw options.wrong(value, path, 'a text, a list of texts, true, a RegExp or a function')
}

const text: Check<string> = (value, path) => {
  if (typeof value !== 'string') throw options.wrong(value, path, 'a text')
  return value
}

/** What conditions are asked of. Where there is none, no condition holds. */
export interface Asked {
  readonly url: { readonly search?: string }
  readonly headers?: Pick<ReadonlyHeaders, 'get'> | undefined
}

/** The first condition on a header that does not hold. */
export function failedHeader(conditions: readonly FieldCondition[], { headers }: Asked): FieldCondition | undefined {
  for (const condition of conditions) if (!holds(condition.matcher, headers?.get(condition.name))) return condition
  return undefined
}

/** The first condition on the query that does not hold. */
export function failedQuery(conditions: readonly FieldCondition[], { url }: Asked): FieldCondition | undefined {
  for (const condition of conditions) {
    if (!holds(condition.matcher, queryValue(url.search ?? '', condition.name))) return condition
  }
  return undefined
}

const holds = (matcher: Matcher | undefined, value: string | undefined) =>
  value !== undefined && (matcher === undefined || matcher.accepts(value))

/**
 * The value of a query parameter, decoded as forms are; the first one, when it comes several times, as the Gateway API has it.
 * @param search with its `?`, or empty
 */
export function queryValue(search: string, name: string): string | undefined {
  // What is encoded may be the name as well. The parser of the platform knows it all, and costs a microsecond.
  if (search.length > MAX_SCANNED || /[%+]/.test(search) || /[=&]/.test(name)) return valuesOf(search).get(name)
  for (let start = 1; start < search.length; ) {
    const found = search.indexOf('&', start)
    const end = found < 0 ? search.length : found
    const equals = search.indexOf('=', start)
    const isPlain = equals < 0 || equals > end
    const nameEnd = isPlain ? end : equals
    if (end > start && nameEnd - start === name.length && search.startsWith(name, start))
      return isPlain ? '' : search.slice(equals + 1, end)
    start = end + 1
  }
  return undefined
}

// Many routes may ask about one query, which the client made as long as it could: each of them would read it all.
const MAX_SCANNED = 200

// The last one that was parsed: all routes of a place ask about the same.
let parsed: { readonly search: string; readonly values: ReadonlyMap<string, string> } = { search: '', values: new Map() }

function valuesOf(search: string): ReadonlyMap<string, string> {
  if (parsed.search !== search) {
    const values = new Map<string, string>()
    for (const [name, value] of new URLSearchParams(search)) if (!values.has(name)) values.set(name, value)
    parsed = { search, values }
  }
  return parsed.values
}
