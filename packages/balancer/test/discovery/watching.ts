import type { DiscoverySource, EndpointInit, UrlEndpoint } from '@gatelet/balancer'
import { type VirtualClock, virtualClock } from '@gatelet/testing'

/** A source at work, and what it has told. */
export interface Watching extends Disposable {
  readonly clock: VirtualClock
  readonly lists: readonly UrlEndpoint[][]
  readonly failures: readonly string[]
  /** The URLs of the last list. */
  readonly urls: readonly string[]
  /** Waits until it holds; time stands still meanwhile. */
  when(condition: (watching: Watching) => unknown): Promise<void>
  /** Moves the clock on until it holds. */
  advanceUntil(condition: (watching: Watching) => unknown, stepMs?: number): Promise<void>
  end(): void
}

export function watching(source: DiscoverySource, clock: VirtualClock = virtualClock()): Watching {
  const lists: UrlEndpoint[][] = []
  const failures: string[] = []
  const end = source.watch({
    clock,
    found: (endpoints: readonly EndpointInit[]) => lists.push([...endpoints] as UrlEndpoint[]),
    failed: (reason) => failures.push(reason instanceof Error ? reason.message : String(reason)),
  })
  const self: Watching = {
    clock,
    lists,
    failures,
    get urls() {
      return (lists.at(-1) ?? []).map((each) => (typeof each === 'string' ? each : String(each.url)))
    },
    when: (condition) =>
      until(
        () => condition(self),
        async () => {},
      ),
    advanceUntil: (condition, stepMs = 100) =>
      until(
        () => condition(self),
        () => clock.advance(stepMs),
      ),
    end,
    [Symbol.dispose]: end,
  }
  return self
}

/** Turns the event loop until something holds; what it waits for crosses real sockets. */
async function until(condition: () => unknown, step: () => Promise<void> = async () => {}): Promise<void> {
  const deadline = performance.now() + 8_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`it did not come to the state: ${condition}`)
    await step()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
