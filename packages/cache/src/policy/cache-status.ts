import type { HeaderList } from '@gatelet/core'
import { serializeItem } from 'structured-headers'
import type { Policy } from './options.ts'
import type { Forward } from './types.ts'

/** What this cache did with a request (RFC 9211 §2). */
export interface CacheStatus {
  /** Answered from the store, with so many milliseconds to go; below zero when stale. */
  readonly hit?: { readonly ttlMs: number }
  /** Why it went on, where it did. */
  readonly forward?: Forward
  /** The status that came back. */
  readonly forwardStatus?: number
  /** Whether what came back is stored. */
  readonly stored?: boolean
  /** Whether it waited for what another request asked. */
  readonly collapsed?: boolean
  /** A stable word on the reason. */
  readonly detail?: string
}

/** Adds our member behind those of caches nearer to the origin (RFC 9211 §2): the last one is nearest to the client. */
export function addCacheStatus(headers: HeaderList, status: CacheStatus, policy: Policy): void {
  headers.append('Cache-Status', cacheStatusOf(status, policy))
}

/** Our member of `Cache-Status`. */
export function cacheStatusOf(status: CacheStatus, policy: Policy): string {
  return policy.label + paramsOf(status)
}

function paramsOf({ hit, forward, forwardStatus, stored, collapsed, detail }: CacheStatus): string {
  let params = ''
  if (hit) params += `; hit; ttl=${Math.floor(hit.ttlMs / 1_000)}`
  if (forward) params += `; fwd=${forward}`
  if (forwardStatus !== undefined) params += `; fwd-status=${forwardStatus}`
  if (stored) params += '; stored'
  if (collapsed) params += '; collapsed'
  // A word is a token; what is more is quoted.
  if (detail !== undefined) params += `; detail=${/^[a-z][a-z0-9-]*$/.test(detail) ? detail : serializeItem(detail)}`
  return params
}
