import type { Fault, Origin, OriginFarm } from '@gatelet/testing'

/** Of the faults that this plays, those behind whose head nothing can be repaired any more. */
const midBody: readonly Fault[] = [
  { kind: 'reset-mid-body', sentBytes: 500 },
  { kind: 'close-mid-body', sentBytes: 500, chunked: true },
  { kind: 'hang-mid-body', sentBytes: 500 },
]

const faults: readonly Fault[] = [
  { kind: 'refuse' },
  { kind: 'hang-before-headers' },
  { kind: 'reset-before-headers' },
  { kind: 'delay', ms: 100 },
  { kind: 'close-after-reply' },
  { kind: 'close-after-reply', afterMs: 3 },
  { kind: 'close-on-reuse' },
]

/**
 * Lets servers fail and recover at random: all but one at most at the same time.
 * @returns what ends it, and makes everything as new
 */
export function chaos(
  farm: OriginFarm,
  random: () => number,
  stepMs: number,
): { stop(): Promise<void>; readonly steps: Record<string, number> } {
  const steps: Record<string, number> = {}
  let isOver = false
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  const step = async () => {
    const server = pick(farm.servers)
    await recovered(server)
    const others = farm.servers.filter((other) => other !== server)
    // One is left that does what it should, whatever is picked for this one.
    if (others.every(({ fault }) => fault !== undefined)) return
    const fate = random()
    const what = fate < 0.2 ? 'recovers' : fate < 0.35 ? 'is killed' : pick(fate < 0.42 ? midBody : faults)
    const name = typeof what === 'string' ? what : what.kind
    steps[name] = (steps[name] ?? 0) + 1
    if (what === 'is killed') {
      // A fault beside it: so it counts as failing until it is back.
      server.fault = { kind: 'refuse' }
      await server.stop()
    } else if (what !== 'recovers') {
      server.fault = what as Fault
    }
  }
  const playing = (async () => {
    while (!isOver) {
      await step()
      await new Promise((resolve) => setTimeout(resolve, stepMs * (0.5 + random())))
    }
  })()
  return {
    steps,
    async stop() {
      isOver = true
      await playing
      await Promise.all(farm.servers.map(recovered))
    },
  }
}

async function recovered(server: Origin): Promise<void> {
  server.fault = undefined
  server.release()
  await server.start()
}
