import type { Param, Pattern } from './pattern.ts'

/** What a pattern captured. */
export interface Capture {
  readonly params: Record<string, string>
  /** Where in the path the rest begins; undefined when the pattern has none. */
  readonly end: number | undefined
  /** The parameter that is not UTF-8 once decoded; undefined when all are. */
  readonly malformed: string | undefined
}

/**
 * What is captured, by name. It inherits nothing: `params.constructor` is what a path says, or not there. An object whose prototype
 * is null itself is a hash table to the engine: look-ups took a fifth more, most of it when they are collected.
 */
class Captured {
  [name: string]: string
}
Object.setPrototypeOf(Captured.prototype, null)
Reflect.deleteProperty(Captured.prototype, 'constructor')
Object.freeze(Captured.prototype)

// Shared by all that captured nothing.
const nothing: Capture = { params: Object.freeze(new Captured()), end: undefined, malformed: undefined }

/**
 * Takes the parameters out of a path that the pattern matches, and decodes them: each segment by itself, after the path was split.
 * @param from where the pattern's first slash stands
 * @param ends where the segment of each parameter ends, when that is known
 */
export function capture(pattern: Pattern, path: string, from: number, ends?: readonly number[]): Capture {
  const { params: wanted } = pattern
  if (wanted.length === 0 && !pattern.isPrefix) return nothing
  const params = new Captured()
  // Looked for once: in most paths nothing has to be decoded.
  const isPlain = !path.includes('%', from)
  let end = from
  for (let at = 0; at < wanted.length; at++) {
    const { name, before } = wanted[at] as Param
    const start = end + before
    end = ends === undefined ? segmentEnd(path, start) : (ends[at] as number)
    const segment = path.slice(start, end)
    const value = isPlain ? segment : decoded(segment)
    if (value === undefined) return { params, end: undefined, malformed: name }
    params[name] = value
  }
  if (!pattern.isPrefix) return { params, end: undefined, malformed: undefined }
  end += pattern.after
  if (pattern.rest === undefined) return { params, end, malformed: undefined }
  const value = decodedRest(path.slice(end + 1))
  if (value === undefined) return { params, end, malformed: pattern.rest }
  params[pattern.rest] = value
  return { params, end, malformed: undefined }
}

// `%2F` stays as it is, so that a slash in the result always is a border between segments: `a%2F..%2Fb` must not become `a/../b`.
function decodedRest(rest: string): string | undefined {
  return rest.includes('%') ? decoded(rest.replaceAll('%2F', '%252F')) : rest
}

/** A segment, percent-decoded; undefined when that is not UTF-8. */
export function decoded(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** Where the segment ends that begins here. */
export function segmentEnd(path: string, start: number): number {
  let end = start
  while (end < path.length && path.charCodeAt(end) !== 47) end++
  return end
}
