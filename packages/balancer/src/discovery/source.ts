import type { Clock } from '@gatelet/core'
import type { EndpointInit } from '../endpoint-options.ts'

/**
 * Where a balancer's endpoints come from, while it runs: a name in the DNS, a file, an orchestrator. It says what it finds; the
 * balancer decides what to make of it. Several balancers may watch one source.
 */
export interface DiscoverySource {
  /** For people, in events, warnings and `status`: `dns orders.internal`. Never with a secret. */
  readonly name: string
  /**
   * Begins to look, at once or a moment later. May throw: that is a failure like one that is told.
   * @returns ends it, with everything that it holds open; called once
   */
  watch(observer: DiscoveryObserver): () => void
}

/** To whom a source tells what it finds. Neither method throws, and after the end they do nothing. */
export interface DiscoveryObserver {
  /** The time and chance of the balancer. */
  readonly clock: Clock
  /** The whole list, as it is now. Entries that are not right are passed over, and told of by a warning. */
  found(endpoints: readonly EndpointInit[]): void
  /** It could not be looked up: the list that was found last stays. Looking again is for the source. */
  failed(reason: unknown): void
}

/** A source, by its shape. */
export function isSource(value: unknown): value is DiscoverySource {
  const { name, watch } = (value ?? {}) as Partial<DiscoverySource>
  return typeof name === 'string' && typeof watch === 'function'
}
