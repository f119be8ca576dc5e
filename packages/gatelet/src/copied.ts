import { isData } from './same.ts'

// Deeper than any option lies.
const MAX_DEPTH = 8

/** A copy of plain data, in which functions and other objects stay what they are. */
export function copied(value: unknown, depth: number = MAX_DEPTH): unknown {
  if (depth === 0 || !isData(value)) return value
  if (Array.isArray(value)) return value.map((each) => copied(each, depth - 1))
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copied(each, depth - 1)]))
}
