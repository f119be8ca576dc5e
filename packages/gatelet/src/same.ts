// Deeper than any option lies. It also ends the comparison of metadata that refer to themselves.
const MAX_DEPTH = 8

/** Whether two values of options mean the same. Functions, and objects that are no plain data, are compared by identity. */
export function isSame(a: unknown, b: unknown, depth: number = MAX_DEPTH): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof URL && b instanceof URL) return a.href === b.href
  if (a instanceof RegExp && b instanceof RegExp) return String(a) === String(b)
  if (depth === 0 || !isData(a) || !isData(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name], depth - 1))
  )
}

/** Whether it is a list or an object that nobody's class has made. */
export function isData(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || Array.isArray(value)
}
