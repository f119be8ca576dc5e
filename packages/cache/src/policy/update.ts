import { HeaderList, type ReadonlyHeaders } from '@gatelet/core'
import { factsOf, storedHeaders } from './facts.ts'
import { httpDate } from './http-date.ts'
import type { Policy } from './options.ts'
import { kept } from './remaining.ts'
import { byAsker } from './storage.ts'
import { storableFields } from './stored-headers.ts'
import type { CacheRequest, CacheResponse, ExchangeTimes, StoredMeta } from './types.ts'
import { matchStrongly, matchWeakly } from './validators.ts'
import { selects } from './vary.ts'
import { varyNames } from './vary-names.ts'

/**
 * What becomes of what is stored after a 304 said that it holds (RFC 9111 §4.3.4): of the one that was asked about, and of
 * those with the same strong tag that the request may have. Each is the same object as before where nothing may be taken
 * from the 304, because it answers a request whose answers are for nobody else. Nothing when the 304 speaks of another
 * response: then ask for the whole.
 * @param stored the one that was asked about
 * @param variants all that is stored under the key of the request
 */
export function updated(
  request: CacheRequest,
  response: CacheResponse,
  times: ExchangeTimes,
  stored: StoredMeta,
  variants: readonly StoredMeta[],
  policy: Policy,
): readonly (readonly [before: StoredMeta, after: StoredMeta])[] {
  const { headers } = response
  if (!speaksOf(stored, headers)) return []
  const tag = headers.get('etag') ?? ''
  const others = variants.filter(
    (each) => each !== stored && matchStrongly(tag, storedHeaders(each).get('etag') ?? '') && selects(each, request, policy),
  )
  return [stored, ...others].map((before) => [before, renewed(request, headers, times, before, policy)] as const)
}

/**
 * What becomes of what is stored after a HEAD was answered (RFC 9111 §4.3.5): renewed by a 200 that names the same tag, last
 * change or length, and no other one; else undefined, since what is stored is of the past. Other answers change nothing.
 */
export function updatedByHead(
  request: CacheRequest,
  response: CacheResponse,
  times: ExchangeTimes,
  stored: StoredMeta,
  policy: Policy,
): StoredMeta | undefined {
  if (response.status !== 200) return stored
  const before = storedHeaders(stored)
  if (stored.bodyBytes !== undefined) before.set('Content-Length', String(stored.bodyBytes))
  const named = ['etag', 'last-modified', 'content-length'].filter((name) => response.headers.has(name))
  const isSame = named.length > 0 && named.every((name) => response.headers.get(name) === before.get(name))
  return isSame && stored.status === 200 ? renewed(request, response.headers, times, stored, policy) : undefined
}

// A strong tag must be the very same (§4.3.4). A 304 without a tag or a date answers the one question that was asked.
function speaksOf(stored: StoredMeta, headers: ReadonlyHeaders): boolean {
  const before = storedHeaders(stored)
  const tag = headers.get('etag')
  const tagBefore = before.get('etag')
  if (tag !== undefined)
    return tagBefore !== undefined && (tag.startsWith('W/') ? matchWeakly(tag, tagBefore) : matchStrongly(tag, tagBefore))
  const changed = headers.get('last-modified')
  return changed === undefined || !before.has('last-modified') || changed === before.get('last-modified')
}

function renewed(
  request: CacheRequest,
  headers: ReadonlyHeaders,
  times: ExchangeTimes,
  before: StoredMeta,
  policy: Policy,
): StoredMeta {
  const { softPurgedAt: _, ...rest } = before
  const { requestTimeMs, responseTimeMs } = times
  const after = kept({ ...rest, requestTimeMs, responseTimeMs, headers: merged(before, headers, times, policy) }, policy)
  return byAsker(request, factsOf(after, policy).directives, policy) ? before : after
}

// They tell of the body that is stored, not of the 304 (§3.2).
const ofTheBody = new Set(['content-length', 'content-encoding', 'content-range'])

function merged(stored: StoredMeta, headers: ReadonlyHeaders, times: ExchangeTimes, policy: Policy): readonly string[] {
  const news = HeaderList.fromRaw(storableFields(headers, policy))
  const kept = storedHeaders(stored)
  // Both would make it as old as it was.
  kept.delete('age')
  kept.delete('date')
  if (!news.has('date')) news.set('Date', httpDate(times.responseTimeMs))
  if (policy.isShared) news.delete('set-cookie')
  if (news.has('vary')) news.set('Vary', variedBy(news, kept))
  const fields = [...news].filter(([name]) => !ofTheBody.has(name.toLowerCase()))
  for (const [name] of fields) kept.delete(name)
  // Once more: `no-cache` may list fields now that were stored, or that this 304 brought without it.
  return storableFields(HeaderList.fromRaw([...kept.raw, ...fields.flat()]), policy)
}

// The body that is stored was chosen by all that was said then; many servers say less in a 304.
function variedBy(news: HeaderList, kept: HeaderList): string {
  const now = varyNames(news)
  return now === '*' ? '*' : [...new Set([...now, ...varyNames(kept)])].join(', ')
}
