import type { HeaderList, ReadonlyHeaders } from '@gatelet/core'
import { parseHttpDate } from './http-date.ts'

/** The entity tags of a list, as they are written; an unquoted word counts as one, since some servers send it. */
export function entityTags(list: string): string[] {
  return list.match(/(?:W\/)?"[^"]*"|[^\s,"]+/g) ?? []
}

/** Whether two tags mean the same (RFC 9110 §8.8.3.2, weak comparison). */
export function matchWeakly(a: string, b: string): boolean {
  return opaque(a) === opaque(b)
}

/** Whether two tags mean the same byte for byte (strong comparison). */
export function matchStrongly(a: string, b: string): boolean {
  return a === b && !a.startsWith('W/')
}

const opaque = (tag: string): string => (tag.startsWith('W/') ? tag.slice(2) : tag)

/** `Last-Modified`, when it is strong: a second and more before `Date`, so that nothing changed in between unseen (§8.8.2.2). */
export function strongLastModified(headers: ReadonlyHeaders, receivedMs: number): string | undefined {
  const text = headers.get('last-modified')
  const changedMs = parseHttpDate(text, receivedMs)
  const dateMs = parseHttpDate(headers.get('date'), receivedMs)
  return changedMs !== undefined && dateMs !== undefined && dateMs - changedMs >= 1_000 ? text : undefined
}

/** Whether there is something to ask by. */
export function hasValidator(headers: ReadonlyHeaders): boolean {
  return headers.has('etag') || headers.has('last-modified')
}

/** Makes a request ask whether what is stored still holds (RFC 9111 §4.3.1), in place of what the client asked. */
export function askWhether(request: HeaderList, stored: ReadonlyHeaders): HeaderList {
  request.delete('if-none-match')
  request.delete('if-modified-since')
  const etag = stored.get('etag')
  const changed = stored.get('last-modified')
  if (etag !== undefined) request.set('If-None-Match', etag)
  if (changed !== undefined) request.set('If-Modified-Since', changed)
  return request
}
