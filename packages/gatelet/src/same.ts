// Deeper than any option lies. It also ends the comparison of metadata that refer to themselves.
const MAX_DEPTH = 8

/** Whether two values of options mean the same. Functions, and objects that are no plain data, are compared by identity. */
export function isSame(a: unknown, b: unknown, depth: number = MAX_DEPTH): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof URL && b instanceof URL) return a.href === b.href
  if (depth === 0 || !isData(a) || !isData(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name], depth - 1))
  )
}

/**
 * A copy that stays as it is when its owner changes the original, so that the change is seen when it comes back.
 * @param depth how many levels are copied; what lies deeper is shared
 */
export function snapshot<T>(value: T, depth: number): T {
  if (value instanceof URL) return new URL(value) as T
  if (depth === 0 || !isData(value)) return value
  if (Array.isArray(value)) return value.map((each) => snapshot(each, depth - 1)) as T
  // A clock may be a plain object too, but it is a thing and no data: a copy of it would stand still.
  const copied = ([name, each]: [string, unknown]) => [name, name === 'clock' ? each : snapshot(each, depth - 1)]
  return Object.fromEntries(Object.entries(value).map(copied)) as T
}

function isData(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || Array.isArray(value)
}
