import { HeaderList } from '@gatelet/core'
import { ageValue, initialAge } from './age.ts'
import { type Directives, listedFields } from './cache-control.ts'
import { assumedLifetime, explicitLifetime, forbidsStale, staleWindow } from './freshness.ts'
import { parseHttpDate } from './http-date.ts'
import { Memo } from './memo.ts'
import type { Policy } from './options.ts'
import { type Governing, governing } from './targeted.ts'
import type { CacheResponse, ExchangeTimes, StoredMeta } from './types.ts'
import { varyNames } from './vary-names.ts'

/** What a response says about its reuse, read once. */
export interface Facts {
  readonly directives: Directives
  readonly isTargeted: boolean
  /** Whether it says how long it stays fresh. */
  readonly isExplicit: boolean
  readonly lifetimeMs: number
  readonly initialAgeMs: number
  /** Its `Date`, or when it came. */
  readonly dateMs: number
  readonly forbidsStale: boolean
  /** It is never reused without asking. */
  readonly alwaysAsks: boolean
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  /** The names that it varies by. */
  readonly vary: readonly string[] | '*'
}

/** Reads what a response says about its reuse. */
export function readFacts(response: CacheResponse, times: ExchangeTimes, policy: Policy): Facts {
  const { headers } = response
  const rules = governing(headers, policy.targets)
  const { directives } = rules
  const dateMs = parseHttpDate(headers.get('date'), times.responseTimeMs) ?? times.responseTimeMs
  const explicitMs = explicitLifetime(headers, rules, dateMs, policy.isShared)
  return {
    ...rules,
    isExplicit: explicitMs !== undefined,
    lifetimeMs: explicitMs ?? assumedLifetime(response, directives, dateMs, policy),
    initialAgeMs: initialAge(ageValue(headers), dateMs, times),
    dateMs,
    vary: varyNames(headers),
    ...staleRules(rules, policy),
  }
}

function staleRules({ directives }: Governing, policy: Policy) {
  const { staleWhileRevalidateMs, staleIfErrorMs } = policy.defaults
  const alwaysAsks = directives.has('no-cache') && listedFields(directives.get('no-cache'), policy.targets) === undefined
  const forbids = alwaysAsks || forbidsStale(directives, policy.isShared)
  return {
    alwaysAsks,
    forbidsStale: forbids,
    staleWhileRevalidateMs: forbids ? 0 : staleWindow(directives, 'stale-while-revalidate', staleWhileRevalidateMs),
    staleIfErrorMs: forbids ? 0 : staleWindow(directives, 'stale-if-error', staleIfErrorMs),
  }
}

const known = new Memo<StoredMeta, { readonly policy: Policy; readonly facts: Facts }>()

/** The facts of a stored response, read at its first use: a hit parses nothing. */
export function factsOf(stored: StoredMeta, policy: Policy): Facts {
  const before = known.get(stored)
  if (before?.policy === policy) return before.facts
  const facts = readFacts({ status: stored.status, headers: storedHeaders(stored) }, stored, policy)
  known.set(stored, { policy, facts })
  return facts
}

/** The fields of a stored response, as a copy that can be changed. */
export function storedHeaders(stored: StoredMeta): HeaderList {
  return HeaderList.fromRaw(stored.headers.slice())
}
