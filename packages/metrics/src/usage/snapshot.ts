import type { HeavyHitters, Watched } from './heavy-hitters.ts'
import { latencyHistogram, type SlidingWindow, type WindowPart } from './sliding-window.ts'
import { Tally, type UsageTally } from './tally.ts'

/** One of those that were used or asked most. */
export interface RankedUsage extends UsageTally {
  /** The consumer, or the pattern of the route; null for requests of nobody known, or that went to no route. */
  readonly key: string | null
  /** How many more requests of it may be counted under `other`; 0 when its figures are exact. */
  readonly missedAtMost: number
}

/** The busiest, and all others in one: together they are all requests, exactly. */
export interface UsageRanking {
  /** By requests, the most first. */
  readonly top: readonly RankedUsage[]
  readonly other: UsageTally
  /** How many requests at most each of those made that are not in `top`. */
  readonly unlistedAtMost: number
}

/** How long requests took, in milliseconds; at most 1 % too much. All 0 where there were none. Upgraded connections are not in it. */
export interface UsageLatency {
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** What came in one window. */
export interface WindowUsage {
  readonly name: string
  readonly lengthMs: number
  /** How much of it is forgotten at a time, in milliseconds. */
  readonly partMs: number
  readonly total: UsageTally
  readonly latencyMs: UsageLatency
  readonly consumers: UsageRanking
  readonly routes: UsageRanking
  /** Requests of each part, the oldest first; the last one is still going on. */
  readonly series: readonly number[]
}

/** What came lately. Plain data: `JSON.stringify` says it. */
export interface UsageSnapshot {
  /** When, in the form of RFC 3339. */
  readonly at: string
  readonly windows: readonly WindowUsage[]
}

/** @param top how many consumers, and routes, are listed */
export function usageOf(window: SlidingWindow, now: number, top: number): WindowUsage {
  const parts = window.parts(now)
  const { name, lengthMs } = window.settings
  return {
    name,
    lengthMs,
    partMs: window.partMs,
    total: sum(parts.map(({ total }) => total)),
    latencyMs: latencyOf(parts),
    consumers: ranked(
      parts.map(({ consumers }) => consumers),
      top,
    ),
    routes: ranked(
      parts.map(({ routes }) => routes),
      top,
    ),
    series: seriesOf(parts, Math.floor(now / window.partMs), window.settings.parts),
  }
}

function ranked(tables: readonly HeavyHitters[], top: number): UsageRanking {
  const merged = [...mergedBy(tables)].sort((a, b) => b.tally.requests - a.tally.requests)
  const unwatchedAtMost = tables.reduce((sum, table) => sum + table.unwatchedAtMost, 0)
  const rest = merged.slice(top)
  return {
    top: merged.slice(0, top).map(({ key, tally, missedAtMost }) => ({ key, ...tally, missedAtMost })),
    other: sum([...tables.map(({ other }) => other), ...rest.map(({ tally }) => tally)]),
    unlistedAtMost: rest.reduce(
      (most, { tally, missedAtMost }) => Math.max(most, tally.requests + missedAtMost),
      unwatchedAtMost,
    ),
  }
}

/** A key that one table watches may have come in another one that does not: as often as the least of those there, at most. */
function mergedBy(tables: readonly HeavyHitters[]): Iterable<Watched> {
  const unwatchedAtMost = tables.reduce((sum, table) => sum + table.unwatchedAtMost, 0)
  const merged = new Map<string | null, { key: string | null; tally: Tally; missedAtMost: number }>()
  for (const table of tables) {
    for (const { key, tally, missedAtMost } of table.watched()) {
      const found = merged.get(key) ?? { key, tally: new Tally(), missedAtMost: unwatchedAtMost }
      found.tally.add(tally)
      found.missedAtMost += missedAtMost - table.unwatchedAtMost
      merged.set(key, found)
    }
  }
  return merged.values()
}

function latencyOf(parts: readonly WindowPart[]): UsageLatency {
  const all = latencyHistogram()
  for (const { latency } of parts) all.add(latency)
  if (all.count === 0) return { p50: 0, p90: 0, p95: 0, p99: 0, max: 0 }
  const at = (percentile: number) => all.percentile(percentile) / 10
  return { p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: all.max / 10 }
}

function seriesOf(parts: readonly WindowPart[], last: number, length: number): number[] {
  const series = new Array<number>(length).fill(0)
  for (const { at, total } of parts) series[length - 1 - (last - at)] = total.requests
  return series
}

function sum(tallies: readonly UsageTally[]): UsageTally {
  const all = new Tally()
  for (const each of tallies) all.add(each)
  return { ...all }
}
