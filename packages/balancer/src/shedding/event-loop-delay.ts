import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop is. */
export interface DelayMeter {
  /** The median since it was read last, in milliseconds. */
  read(): number
  close(): void
}

// How often the loop is looked at.
const RESOLUTION_MS = 10

/** Measures the delay of this process's event loop. Keeps no process alive. */
export function eventLoopDelay(): DelayMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  let readAt = performance.now()
  return {
    read() {
      const now = performance.now()
      // It holds whole intervals, in nanoseconds. The median: one long collection of garbage is no overload. Where it holds
      // none, it has not looked twice since it was reset: the loop has hardly turned in all that time.
      const intervalMs = histogram.count === 0 ? now - readAt : histogram.percentile(50) / 1e6
      histogram.reset()
      readAt = now
      return Math.max(0, intervalMs - RESOLUTION_MS)
    },
    close: () => void histogram.disable(),
  }
}
