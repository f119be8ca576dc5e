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
  return {
    read() {
      // It holds whole intervals, in nanoseconds. The median: one long collection of garbage is no overload. An interval that
      // saw nothing at all was one long delay, which the next one tells.
      const delayMs = histogram.count === 0 ? 0 : histogram.percentile(50) / 1e6 - RESOLUTION_MS
      histogram.reset()
      return Math.max(0, delayMs)
    },
    close: () => void histogram.disable(),
  }
}
