import type { Pattern } from './pattern.ts'

/** What a pattern captured. `end`: where in the path the rest begins; undefined when the pattern has none. */
export type Capture =
  | { readonly params: Readonly<Record<string, string>>; readonly end: number | undefined }
  /** This parameter is not UTF-8 once decoded. */
  | { readonly malformed: string }

// Shared by all that captured nothing. No prototype: `params.constructor` is what a path says, or nothing.
const nothing: Readonly<Record<string, string>> = Object.freeze(Object.create(null))
const nothingAtAll: Capture = { params: nothing, end: undefined }

/**
 * Takes the parameters out of a path that the pattern matches, and decodes them: each segment by itself, after the path was split.
 * @param from where the pattern's first slash stands
 */
export function capture(pattern: Pattern, path: string, from: number): Capture {
  if (pattern.params.length === 0 && !pattern.isPrefix) return nothingAtAll
  const params: Record<string, string> = Object.create(null)
  let end = from
  for (const { name, before } of pattern.params) {
    const start = end + before
    end = segmentEnd(path, start)
    const value = decoded(path.slice(start, end))
    if (value === undefined) return { malformed: name }
    params[name] = value
  }
  if (!pattern.isPrefix) return { params, end: undefined }
  end += pattern.after
  if (pattern.rest !== undefined) {
    const value = decodedRest(path.slice(end + 1))
    if (value === undefined) return { malformed: pattern.rest }
    params[pattern.rest] = value
  }
  return { params, end }
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
