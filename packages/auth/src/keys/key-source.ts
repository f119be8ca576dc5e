import type { MaybePromise } from '@gatelet/core'
import type { Algorithm } from './fit.ts'
import type { KeySet, VerifyKey } from './key-set.ts'

/** What became of the search for a key. */
export type Found =
  | { readonly kind: 'keys'; readonly keys: readonly VerifyKey[] }
  /** The issuer has no such key. */
  | { readonly kind: 'none' }
  /** Whether it has one cannot be said now. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number; readonly cause?: unknown }

/** Where the keys of one issuer come from. */
export interface KeySource {
  /**
   * A number for the keys that are good now: what was verified with others is verified anew. To be asked for each request, so that keys
   * are kept young where all that comes is remembered. Undefined where there are none.
   */
  generation(): number | undefined
  find(kid: string | undefined, algorithm: Algorithm): MaybePromise<Found>
  /** Resolves when there are keys. */
  ready(): Promise<void>
}

/** Keys that never change. */
export function fixedKeys(set: KeySet): KeySource {
  return { generation: () => 0, find: (kid, algorithm) => foundIn(set, kid, algorithm), ready: () => Promise.resolve() }
}

/** What a set has. */
export function foundIn(set: KeySet, kid: string | undefined, algorithm: Algorithm): Found {
  const keys = set.find(kid, algorithm)
  return keys.length > 0 ? { kind: 'keys', keys } : none
}

const none: Found = Object.freeze({ kind: 'none' })
