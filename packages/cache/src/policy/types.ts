import type { HeaderList, ReadonlyHeaders, RequestUrl } from '@gatelet/core'

/** What the rules look at in a request. An `IncomingRequest` is one. */
export interface CacheRequest {
  readonly method: string
  readonly url: RequestUrl
  readonly headers: ReadonlyHeaders
}

/** What the rules look at in a response. A `Reply` is one. */
export interface CacheResponse {
  readonly status: number
  readonly headers: ReadonlyHeaders
}

/** When a response was asked for and when its head came, in wall-clock milliseconds. */
export interface ExchangeTimes {
  readonly requestTimeMs: number
  readonly responseTimeMs: number
}

/** What is kept of a response beside its body. Never changed in place: an update is another one. */
export interface StoredMeta extends ExchangeTimes {
  /** The canonical URL, absolute. */
  readonly url: string
  readonly status: number
  /** Flat: name, value, name, value, … without what must not be stored (RFC 9111 §3.1). */
  readonly headers: readonly string[]
  /** What the request had for each name of `Vary`, lower case and normalised; undefined where it had none. */
  readonly requestHeaders: Readonly<Record<string, string | undefined>>
  /** Bytes of the body, once it is known. Without it, ranges are not answered. */
  readonly bodyBytes?: number
  /** Until when it is of any use by the rules of the cache, in wall-clock milliseconds: a store need not keep it longer. */
  readonly keepUntilMs?: number
  /** Names under which it can be purged together with others. */
  readonly tags: readonly string[]
  /** Since when it counts as stale because somebody said so, in wall-clock milliseconds. */
  readonly softPurgedAt?: number
}

/** Some bytes of a body, both ends included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** A response made of a stored one. The headers are a copy that can be changed. */
export interface Answer {
  readonly status: number
  readonly headers: HeaderList
  /** What of the stored body goes with it. Several ranges: `multipart` makes their frame. */
  readonly body: 'whole' | 'none' | readonly ByteRange[]
}

/** Why a request goes on to the next one, in the words of RFC 9211 §2.2. */
export type Forward = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale'

/** What to do with a request. */
export type Decision =
  /** Answer from the store. */
  | { readonly kind: 'hit'; readonly stored: StoredMeta; readonly answer: Answer }
  /** Answer from the store, then ask with GET in the background, with these headers. */
  | { readonly kind: 'stale'; readonly stored: StoredMeta; readonly answer: Answer; readonly refresh: HeaderList }
  /** Ask with these headers; a 304 says that what is stored holds. */
  | ({ readonly kind: 'revalidate'; readonly stored: StoredMeta; readonly headers: HeaderList } & Forwarded)
  /** Ask as the client did. */
  | ({ readonly kind: 'fetch' } & Forwarded)
  /** Answer 504: the client wants nothing that is not stored (RFC 9111 §5.2.1.7). */
  | { readonly kind: 'only-if-cached-miss'; readonly forward: Forward; readonly detail?: string }

/** A request that goes on. */
export interface Forwarded {
  readonly forward: Forward
  /** A stable word on the reason. */
  readonly detail?: string
  /** What may be sent when the answer is an error, or none comes (RFC 5861 §4). */
  readonly fallback?: StoredMeta
}
