import { setTimeout } from 'node:timers/promises'

/** What was open at one moment. */
export interface Baseline {
  /** How many of each kind were open then. */
  readonly counts: Readonly<Record<string, number>>
  /** What is open now beyond that. Empty: everything was released. */
  extra(): Record<string, number>
  /**
   * Resolves when everything beyond is released.
   * @param withinMs real milliseconds, default 5000; rejects then, with what is left
   */
  settled(withinMs?: number): Promise<void>
}

/**
 * Remembers which sockets, servers, timers and child processes keep this process alive, for a test that shows that
 * everything was released. Timers that are unref'd keep nothing alive and are not seen: `VirtualClock.pending` counts those.
 * @example
 * const before = baseline()
 * await work()
 * await before.settled()
 */
export function baseline(): Baseline {
  const counts = countOpen()
  const extra = () => {
    const now = Object.entries(countOpen()).map(([kind, count]) => [kind, count - (counts[kind] ?? 0)] as const)
    return Object.fromEntries(now.filter(([, more]) => more > 0))
  }
  return {
    counts,
    extra,
    async settled(withinMs = 5000) {
      const deadline = performance.now() + withinMs
      // Closing takes some turns of the event loop, which tells nobody when it is done.
      while (Object.keys(extra()).length > 0) {
        if (performance.now() > deadline) throw new Error(`still open after ${withinMs} ms: ${JSON.stringify(extra())}`)
        await setTimeout(5)
      }
    },
  }
}

// By the names that Node gives them. Others (files, DNS, the streams of the terminal) come and go by themselves.
const kinds = new Set([
  'TCPSocketWrap',
  'TCPServerWrap',
  'TLSWrap',
  'PipeWrap',
  'PipeServerWrap',
  'UDPWRAP',
  'ProcessWrap',
  'Timeout',
])

function countOpen(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) if (kinds.has(kind)) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}
