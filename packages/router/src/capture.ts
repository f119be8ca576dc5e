import type { Pattern } from './pattern.ts'

/** What a pattern captured; `malformed` names the parameter that is not UTF-8 once decoded. */
export type Capture = { readonly params: Readonly<Record<string, string>> } | { readonly malformed: string }

/**
 * Decodes what a pattern captured. Each segment is decoded by itself, after the path was split.
 * @param segments of the path, as many as the pattern has at least
 * @param rest what follows them, without the slash
 */
export function capture(pattern: Pattern, segments: readonly string[], rest: string): Capture {
  // No prototype: `params.constructor` is what a path says, or nothing.
  const params: Record<string, string> = Object.create(null)
  for (const { name, at } of pattern.params) {
    const value = decoded(segments[at] as string)
    if (value === undefined) return { malformed: name }
    params[name] = value
  }
  if (pattern.rest !== undefined) {
    const value = decodedRest(rest)
    if (value === undefined) return { malformed: pattern.rest }
    params[pattern.rest] = value
  }
  return { params }
}

// `%2F` stays as it is, so that a slash in the result always is a border between segments: `a%2F..%2Fb` must not become `a/../b`.
function decodedRest(rest: string): string | undefined {
  return rest.includes('%') ? decoded(rest.replaceAll('%2F', '%252F')) : rest
}

function decoded(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
