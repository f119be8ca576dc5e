import { HeaderList, type ReadonlyHeaders } from '@gatelet/core'
import { storedHeaders } from './facts.ts'
import { httpDate } from './http-date.ts'
import type { Policy } from './options.ts'
import { storableFields } from './stored-headers.ts'
import { governing } from './targeted.ts'
import type { CacheResponse, ExchangeTimes, StoredMeta } from './types.ts'
import { matchStrongly, matchWeakly } from './validators.ts'

/**
 * What is stored after a 304 said that it holds (RFC 9111 §4.3.4): fields of the 304 replace those of the same name (§3.2),
 * and its age counts anew. Undefined when the 304 speaks of another response, whose tag or last change it names.
 */
export function updated(
  stored: StoredMeta,
  response: CacheResponse,
  times: ExchangeTimes,
  policy: Policy,
): StoredMeta | undefined {
  if (!speaksOf(stored, response.headers)) return undefined
  const { softPurgedAt: _, ...rest } = stored
  const { requestTimeMs, responseTimeMs } = times
  return { ...rest, requestTimeMs, responseTimeMs, headers: replaced(stored, response.headers, times, policy) }
}

/**
 * Every stored response that a 304 updates, with what it becomes: the one that was asked about, and those with the same
 * strong tag (RFC 9111 §4.3.4).
 */
export function allUpdated(
  variants: readonly StoredMeta[],
  asked: StoredMeta,
  response: CacheResponse,
  times: ExchangeTimes,
  policy: Policy,
): readonly (readonly [before: StoredMeta, after: StoredMeta])[] {
  const etag = response.headers.get('etag')
  const others = variants.filter(
    (each) => each !== asked && etag !== undefined && matchStrongly(etag, storedHeaders(each).get('etag') ?? ''),
  )
  return [asked, ...others].flatMap((before) => {
    const after = updated(before, response, times, policy)
    return after ? [[before, after] as const] : []
  })
}

/**
 * What is stored after a HEAD was answered with 200 (RFC 9111 §4.3.5): updated where tag, last change and length are the
 * same, else undefined, since the stored one is of the past.
 */
export function updatedByHead(
  stored: StoredMeta,
  response: CacheResponse,
  times: ExchangeTimes,
  policy: Policy,
): StoredMeta | undefined {
  if (response.status !== 200 || stored.status !== 200) return undefined
  const before = storedHeaders(stored)
  const { headers } = response
  const isSame = ['etag', 'last-modified'].every((name) => !headers.has(name) || headers.get(name) === before.get(name))
  const length = headers.get('content-length')
  const storedLength = stored.bodyBytes === undefined ? before.get('content-length') : String(stored.bodyBytes)
  return isSame && (length === undefined || length === storedLength) ? updated(stored, response, times, policy) : undefined
}

// A 304 without a tag or a date of change answers the question that was asked.
function speaksOf(stored: StoredMeta, headers: ReadonlyHeaders): boolean {
  const before = storedHeaders(stored)
  const etag = headers.get('etag')
  if (etag !== undefined && before.has('etag')) return matchWeakly(etag, before.get('etag') ?? '')
  if (etag !== undefined) return false
  const changed = headers.get('last-modified')
  return changed === undefined || !before.has('last-modified') || changed === before.get('last-modified')
}

// They tell of the body that is stored, not of the 304 (§3.2).
const ofTheBody = new Set(['content-length', 'content-encoding', 'content-range'])

function replaced(stored: StoredMeta, headers: ReadonlyHeaders, times: ExchangeTimes, policy: Policy): readonly string[] {
  const { directives } = governing(headers, policy.targets)
  const news = HeaderList.fromRaw(storableFields(headers, directives, policy))
  const kept = storedHeaders(stored)
  // Both would make it as old as it was.
  kept.delete('age')
  kept.delete('date')
  if (!news.has('date')) news.set('Date', httpDate(times.responseTimeMs))
  if (policy.isShared) news.delete('set-cookie')
  const fields = [...news].filter(([name]) => !ofTheBody.has(name.toLowerCase()))
  for (const [name] of fields) kept.delete(name)
  return [...kept.raw, ...fields.flat()]
}
