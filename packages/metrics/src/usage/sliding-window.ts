import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { HeavyHitters } from './heavy-hitters.ts'
import type { UsageWindowSettings } from './options.ts'
import { Tally, type UsedRequest } from './tally.ts'

/** What came in one part of a window. */
export class WindowPart {
  /** Which part since the clock began. */
  readonly at: number
  readonly total: Tally = new Tally()
  readonly consumers: HeavyHitters
  readonly routes: HeavyHitters
  /** Tenths of milliseconds, two figures exact. Of upgraded connections it knows nothing: they last as long as they like. */
  readonly latency: RecordableHistogram

  constructor(at: number, watched: number, latency: RecordableHistogram) {
    this.at = at
    this.consumers = new HeavyHitters(watched)
    this.routes = new HeavyHitters(watched)
    this.latency = latency
  }

  count(request: UsedRequest): void {
    this.total.count(request)
    this.consumers.count(request.consumer, request)
    this.routes.count(request.route, request)
    if (request.status !== 101) this.latency.record(tenths(request.durationMs))
  }
}

/** The last parts of time, of which the oldest is forgotten when a new one begins. It needs no timer: who counts or looks says when. */
export class SlidingWindow {
  readonly settings: UsageWindowSettings
  readonly partMs: number
  private readonly ring: (WindowPart | undefined)[]
  private readonly watched: number

  constructor(settings: UsageWindowSettings, watched: number) {
    this.settings = settings
    this.partMs = settings.lengthMs / settings.parts
    this.watched = watched
    this.ring = new Array<undefined>(settings.parts).fill(undefined)
  }

  count(request: UsedRequest, now: number): void {
    this.partAt(Math.floor(now / this.partMs)).count(request)
  }

  /** The parts in which something came, the oldest first; the last one is still going on. */
  parts(now: number): readonly WindowPart[] {
    const last = Math.floor(now / this.partMs)
    return this.ring
      .filter((part) => part !== undefined)
      .filter(({ at }) => at > last - this.settings.parts && at <= last)
      .sort((a, b) => a.at - b.at)
  }

  private partAt(at: number): WindowPart {
    const place = at % this.settings.parts
    const there = this.ring[place]
    if (there?.at === at) return there
    // The histogram is what is heavy (23 KB): it is used again.
    there?.latency.reset()
    const part = new WindowPart(at, this.watched, there?.latency ?? latencyHistogram())
    this.ring[place] = part
    return part
  }
}

// An hour: what takes longer counts as an hour.
const HIGHEST = 36_000_000

/** An HdrHistogram for `tenths`, with two significant figures: what it says is at most 1 % too much. */
export const latencyHistogram = (): RecordableHistogram => createHistogram({ lowest: 1, highest: HIGHEST, figures: 2 })

/** Milliseconds as a histogram takes them: whole and positive. */
const tenths = (ms: number): number => Math.min(Math.max(1, Math.round(ms * 10)), HIGHEST)
