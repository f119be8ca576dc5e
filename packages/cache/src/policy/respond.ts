import { HeaderList, type ReadonlyHeaders } from '@gatelet/core'
import { currentAge } from './age.ts'
import { type CacheStatus, cacheStatusOf } from './cache-status.ts'
import { isNotModified, leftOut } from './conditional.ts'
import { factsOf, storedHeaders } from './facts.ts'
import { httpDate } from './http-date.ts'
import { Memo } from './memo.ts'
import type { Policy } from './options.ts'
import { isSameForRange, parseRange } from './ranges.ts'
import { remaining } from './remaining.ts'
import type { Answer, ByteRange, CacheRequest, StoredMeta } from './types.ts'

/**
 * Answers a request with what is stored, fresh or not: the whole, what of it the client asked for, or 304 when it has it
 * already. `Age` is set (RFC 9111 §4) and `Date` stays as it is.
 * @param now wall-clock milliseconds
 * @param status what `Cache-Status` says. Default: a hit, with the time that is left
 */
export function respond(request: CacheRequest, stored: StoredMeta, now: number, policy: Policy, status?: CacheStatus): Answer {
  const facts = factsOf(stored, policy)
  const ttlMs = remaining(stored, now, policy)
  const raw = baseOf(stored).slice()
  // Not by `set` and `append`, which look at what is known to be right: a third of the work of a hit.
  raw.push('Age', String(Math.floor(currentAge(facts.initialAgeMs, stored, now) / 1_000)))
  raw.push('Cache-Status', cacheStatusOf(status ?? { hit: { ttlMs } }, policy))
  const headers = HeaderList.fromRaw(raw)
  const answer = chosen(request, headers, stored, now, policy)
  // Who receives it without a Date tells when it came (RFC 9110 §6.6.1). It is none of the origin's, by which validators are judged.
  if (!headers.has('date')) headers.set('Date', httpDate(stored.responseTimeMs))
  return answer
}

const bases = new Memo<StoredMeta, readonly string[]>()

/** What all answers have: the fields that are stored, without the age of then. */
function baseOf(stored: StoredMeta): readonly string[] {
  const before = bases.get(stored)
  if (before) return before
  const headers = storedHeaders(stored)
  headers.delete('age')
  bases.set(stored, headers.raw)
  return headers.raw
}

function chosen(request: CacheRequest, headers: HeaderList, stored: StoredMeta, now: number, policy: Policy): Answer {
  // Conditions are looked at where the answer would be a success (RFC 9110 §13.2.1).
  const isSuccess = stored.status < 300
  if (isSuccess && isNotModified(request.headers, headers, factsOf(stored, policy).dateMs, now)) return notModified(headers)
  if (request.method === 'HEAD') return { status: stored.status, headers: sized(headers, stored), body: 'none' }
  return partial(request.headers, headers, stored, policy) ?? { status: stored.status, headers, body: 'whole' }
}

function notModified(headers: HeaderList): Answer {
  for (const name of leftOut(headers)) headers.delete(name)
  return { status: 304, headers, body: 'none' }
}

// A 204 has no length (RFC 9110 §8.6).
function sized(headers: HeaderList, { bodyBytes, status }: StoredMeta): HeaderList {
  return bodyBytes === undefined || status === 204 ? headers : headers.set('Content-Length', String(bodyBytes))
}

// Undefined when the whole is to be sent.
function partial(request: ReadonlyHeaders, headers: HeaderList, stored: StoredMeta, policy: Policy): Answer | undefined {
  const field = request.get('range')
  const { bodyBytes } = stored
  if (stored.status !== 200 || field === undefined || bodyBytes === undefined) return undefined
  if (!isSameForRange(request.get('if-range'), headers, stored.responseTimeMs)) return undefined
  const ranges = parseRange(field, bodyBytes)
  if (!ranges) return undefined
  const [first] = ranges
  if (!first) return unsatisfiable(headers, bodyBytes, policy)
  headers.delete('content-length')
  if (ranges.length === 1) single(headers, first, bodyBytes)
  return { status: 206, headers, body: ranges }
}

function single(headers: HeaderList, { start, end }: ByteRange, length: number): void {
  headers.set('Content-Range', `bytes ${start}-${end}/${length}`)
  headers.set('Content-Length', String(end - start + 1))
}

// How long the whole stays fresh says nothing of this error: a cache behind this one would keep it for the whole.
function unsatisfiable(headers: HeaderList, length: number, policy: Policy): Answer {
  const ofTheWhole = ['cache-control', 'expires', 'etag', 'last-modified', ...policy.targets]
  for (const name of [...leftOut(headers), ...ofTheWhole]) headers.delete(name)
  headers.set('Content-Range', `bytes */${length}`)
  return { status: 416, headers: headers.set('Content-Length', '0'), body: 'none' }
}
