import { type Clock, MAX_DELAY_MS } from './clock.ts'
import { GatewayError } from './errors.ts'
import { isToken } from './token.ts'

/**
 * Checks one value. Returns it (or what it means), or throws by `wrong`.
 * @param path where the value stands, for example `endpoints[1].weight`; empty for the whole
 */
export type Check<T> = (value: unknown, path: string) => T

/** A check for each option of an interface: one that is forgotten does not compile. */
export type Checks<T extends object> = {
  readonly [K in keyof T]-?: {} extends Pick<T, K> ? Check<T[K] | undefined> : Check<T[K]>
}

/**
 * Checks options when the program starts. Unknown names are refused too, with the nearest known one named.
 * @param owner the function that takes them, for the message: `createBalancer`
 * @throws GatewayError `BAD_OPTION`, whose `path` names the field and whose message says what would be right
 */
export function checkOptions<T extends object>(owner: string, options: unknown, checks: Checks<T>): T {
  try {
    return shape(checks)(options ?? {}, '')
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'BAD_OPTION') throw error
    const options = error.path === undefined ? {} : { path: error.path }
    throw new GatewayError('BAD_OPTION', { message: `${owner}: ${error.message}`, ...options })
  }
}

/** The error for a value that is not right. @param expected completes "must be …" */
export function wrong(value: unknown, path: string, expected: string): GatewayError {
  return new GatewayError('BAD_OPTION', { path, message: `${path || 'the options'} must be ${expected} (got ${shown(value)})` })
}

/** An object with these options and no others. */
export function shape<T extends object>(checks: Checks<T>): Check<T> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(value, path, 'an object')
    for (const name of Object.keys(value)) if (!Object.hasOwn(checks, name)) throw unknownName(name, path, Object.keys(checks))
    const checked: Record<string, unknown> = {}
    for (const [name, check] of Object.entries(checks) as [string, Check<unknown>][]) {
      const found = check((value as Record<string, unknown>)[name], joined(path, name))
      if (found !== undefined) checked[name] = found
    }
    return checked as T
  }
}

/** The option may be left out. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, path) => (value === undefined ? undefined : check(value, path))
}

/** A number in [min, max]. `unit` stands behind it in the message. */
export function number(limits: { min: number; max: number; integer?: boolean; unit?: string }): Check<number> {
  const { min, max, integer = false, unit } = limits
  const expected = `${integer ? 'a whole number' : 'a number'}${unit ? ` of ${unit}` : ''} from ${min} to ${max}`
  return (value, path) => {
    const isRight = typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value))
    if (!isRight) throw wrong(value, path, expected)
    return value
  }
}

/** Milliseconds, from `min` (default 1) to about 24 days, which is the longest that a timer can wait. */
export function milliseconds(min = 1): Check<number> {
  return number({ min, max: MAX_DELAY_MS, unit: 'milliseconds' })
}

/** true or false. */
export const boolean: Check<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw wrong(value, path, 'true or false')
  return value
}

/** A string that is not empty. */
export const string: Check<string> = (value, path) => {
  if (typeof value !== 'string' || value === '') throw wrong(value, path, 'a string that is not empty')
  return value
}

/** A token of HTTP (RFC 9110 §5.6.2), which names of fields and cookies are. @param example for the message: `x-tenant` */
export function token(example: string): Check<string> {
  return (value, path) => {
    if (typeof value !== 'string' || !isToken(value))
      throw wrong(value, path, `a name of letters, digits and !#$%&'*+-.^_\`|~, such as ${example}`)
    return value
  }
}

/** A function. @param what says which, for example `a strategy factory` */
export function fn<T extends (...args: never[]) => unknown>(what = 'a function'): Check<T> {
  return (value, path) => {
    if (typeof value !== 'function') throw wrong(value, path, what)
    return value as T
  }
}

/** One of these values. */
export function oneOf<const T extends readonly (string | number | boolean)[]>(...allowed: T): Check<T[number]> {
  return (value, path) => {
    if (!allowed.includes(value as T[number])) throw wrong(value, path, listed(allowed.map(shown)))
    return value as T[number]
  }
}

/** A list, each item checked. */
export function list<T>(item: Check<T>, limits: { min?: number; max?: number } = {}): Check<readonly T[]> {
  const { min = 0, max = 1_000_000 } = limits
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(value, path, 'a list')
    if (value.length < min) throw wrong(value, path, `a list of at least ${min}`)
    if (value.length > max) throw wrong(value, path, `a list of at most ${max}`)
    // Not `map`, which passes over holes.
    return Array.from(value, (each, at) => item(each, `${path}[${at}]`))
  }
}

/** An object of any names but `__proto__`, each value checked. */
export function record<T>(item: Check<T>): Check<Readonly<Record<string, T>>> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(value, path, 'an object')
    if (Object.hasOwn(value, '__proto__')) throw wrong('__proto__', path, 'an object without this name')
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, item(each, joined(path, name))]))
  }
}

/**
 * The first check that accepts. When none does, the message is `expected`, unless a check got further into the value
 * than its own path: then that error, which names the field inside.
 */
export function either<T extends readonly unknown[]>(
  expected: string,
  ...checks: { [K in keyof T]: Check<T[K]> }
): Check<T[number]> {
  return (value, path) => {
    let deeper: GatewayError | undefined
    for (const check of checks) {
      try {
        return check(value, path)
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        if (error.path !== path) deeper ??= error
      }
    }
    throw deeper ?? wrong(value, path, expected)
  }
}

/** An absolute http or https URL without credentials, query or fragment. A path is kept. */
export const httpUrl: Check<URL> = (value, path) => {
  const expected = 'an http or https URL such as http://10.0.0.1:8080'
  if (typeof value !== 'string' && !(value instanceof URL)) throw wrong(value, path, expected)
  if (!URL.canParse(String(value))) throw wrong(value, path, expected)
  const url = new URL(String(value))
  // First of all, so that no message shows a password.
  if (url.username !== '' || url.password !== '') throw wrong(url.host, path, 'a URL without user name and password')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong(value, path, expected)
  if (url.search !== '' || url.hash !== '') throw wrong(value, path, 'a URL without query and fragment')
  return url
}

/** A clock: the machine's, or one that tests drive. */
export const clock: Check<Clock> = (value, path) => {
  const methods = ['now', 'date', 'random', 'setTimer'] as const
  const isClock = methods.every((name) => typeof (value as Partial<Clock> | null | undefined)?.[name] === 'function')
  if (!isClock) throw wrong(value, path, `a clock, with ${listed(methods, 'and')}`)
  return value as Clock
}

/** Anything; for values that are checked where they are used. */
export const anything: Check<unknown> = (value) => value

function unknownName(name: string, path: string, known: readonly string[]): GatewayError {
  const where = joined(path, name)
  const near = known.find((other) => isNear(name.toLowerCase(), other.toLowerCase()))
  const hint = near ? `did you mean ${near}?` : `known are ${known.join(', ')}`
  return new GatewayError('BAD_OPTION', { path: where, message: `${where} is not an option; ${hint}` })
}

// One letter wrong, missing, added or swapped; or one name the beginning of the other.
function isNear(a: string, b: string): boolean {
  if (a === '') return false
  if (a.startsWith(b) || b.startsWith(a)) return true
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const [restA, restB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  const isSwapped = restA.length === 2 && restA[0] === restB[1] && restA[1] === restB[0]
  return (restA.length < 2 && restB.length < 2) || isSwapped
}

const joined = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

const listed = (items: readonly string[], last = 'or'): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} ${last} ${items.at(-1)}`

/** A value for a message: short, and of any kind. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'number' || typeof value === 'bigint' || value === undefined || value === null) return String(value)
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' ? 'an object' : String(value)
}
