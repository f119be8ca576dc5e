import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock, Summary } from '@gatelet/core'
import type { OverviewPoint, OverviewView } from '../api/views.ts'
import { Recent } from '../figures/recent.ts'
import type { Known } from './exchanges.ts'

const SECONDS_KEPT = 300
const SECONDS_SUMMED = 60
const SECONDS_OF_RATE = 10

/** All requests together: now, and each of the last five minutes' seconds. */
export class Traffic {
  inFlight = 0
  private total = 0
  private failed = 0
  private aborted = 0
  private readonly recent: Recent
  private readonly points: OverviewPoint[] = []
  private readonly clock: Clock
  private readonly startedAt: number
  private readonly delay = monitorEventLoopDelay({ resolution: 10 })
  private lagMs = 0

  constructor(clock: Clock) {
    this.clock = clock
    this.startedAt = clock.date()
    this.recent = new Recent(SECONDS_SUMMED + 1, 1_000, clock.now())
    this.delay.enable()
  }

  started(known: Known): void {
    known.isInFlight = true
    this.inFlight++
  }

  /** It is over, or is not counted any more. */
  left(known: Known): void {
    if (known.isInFlight) this.inFlight--
    known.isInFlight = false
  }

  finished(summary: Summary): void {
    this.total++
    const isFailed = hasFailed(summary)
    if (isFailed) this.failed++
    if (summary.outcome === 'aborted') this.aborted++
    this.recent.add(this.clock.now(), latencyOf(summary), isFailed)
  }

  /** To be called each second. */
  tick(): void {
    // What the timer of the measurement waits by itself is no lag.
    this.lagMs = Math.max(0, this.delay.max / 1e6 - 10)
    this.delay.reset()
    const { perSecond, failedShare, p50, p95, p99 } = this.recent.readFull(this.clock.now())
    this.points.push({
      at: this.clock.date(),
      perSecond,
      failedShare,
      ...{ p50, p95, p99 },
      inFlight: this.inFlight,
      lagMs: this.lagMs,
      memoryBytes: process.memoryUsage.rss(),
    })
    if (this.points.length > SECONDS_KEPT) this.points.shift()
  }

  /** @param since only the points after this time, in milliseconds since 1970 */
  view(since = 0): OverviewView {
    const now = this.clock.now()
    const { perSecond, failedShare } = this.recent.read(now, SECONDS_OF_RATE)
    const { p50, p95, p99 } = this.recent.read(now)
    return {
      at: this.clock.date(),
      startedAt: this.startedAt,
      uptimeSeconds: process.uptime(),
      ...{ perSecond, failedShare, p50, p95, p99 },
      ...{ inFlight: this.inFlight, total: this.total, failed: this.failed, aborted: this.aborted, lagMs: this.lagMs },
      memoryBytes: process.memoryUsage.rss(),
      points: this.points.filter(({ at }) => at > since),
    }
  }

  close(): void {
    this.delay.disable()
  }
}

/** Whether it is our fault or that of an upstream: a 5xx, or a reply that was broken off. */
export function hasFailed({ outcome, status }: Summary): boolean {
  return outcome === 'failed' || status >= 500
}

/** How long a request took; undefined for a WebSocket, which lasts as long as its people have something to say. */
export function latencyOf({ status, durationMs }: Summary): number | undefined {
  return status === 101 ? undefined : durationMs
}
