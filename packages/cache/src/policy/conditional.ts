import type { ReadonlyHeaders } from '@gatelet/core'
import { parseHttpDate } from './http-date.ts'
import { entityTags, matchWeakly } from './validators.ts'

/**
 * Whether the client has what is stored already, so that 304 says all (RFC 9111 §4.3.2). `If-None-Match` wins over
 * `If-Modified-Since`.
 * @param dateMs what stands for a missing `Last-Modified`: `Date`, or when the response came
 */
export function isNotModified(request: ReadonlyHeaders, stored: ReadonlyHeaders, dateMs: number, now: number): boolean {
  const tags = request.get('if-none-match')
  if (tags !== undefined) return hasTag(tags, stored.get('etag'))
  const since = parseHttpDate(request.get('if-modified-since'), now)
  if (since === undefined) return false
  return (parseHttpDate(stored.get('last-modified'), now) ?? dateMs) <= since
}

function hasTag(tags: string, etag: string | undefined): boolean {
  if (tags.trim() === '*') return true
  return etag !== undefined && entityTags(tags).some((tag) => matchWeakly(tag, etag))
}

// They describe a body that is not sent (RFC 9110 §15.4.5).
const ofTheBody = ['content-length', 'content-type', 'content-encoding', 'content-language', 'content-range']

/** The fields that a 304 leaves out. The last change goes with the tag, which says more. */
export function leftOut(stored: ReadonlyHeaders): readonly string[] {
  return stored.has('etag') ? [...ofTheBody, 'last-modified'] : ofTheBody
}
