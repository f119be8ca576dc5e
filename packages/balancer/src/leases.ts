import type { Clock, Lease, Outcome } from '@gatelet/core'
import type { EndpointState } from './endpoint.ts'
import { Inflight } from './inflight.ts'
import { EndpointLease, type LeaseHost } from './lease.ts'

/** Who is told of what happens to leases. */
export interface LeasesInit {
  /** How many there may be at once. */
  readonly total: number
  /** @returns the term of the endpoint's circuit */
  readonly onGive: (endpoint: EndpointState) => number
  /** @param term what `onGive` returned for it */
  readonly onAnswer: (endpoint: EndpointState, outcome: Outcome, term: number) => void
  /** A place is free again. */
  readonly onRelease: () => void
}

/** The last stage of an ask: gives leases, counts them, and passes on how they end. */
export class Leases implements LeaseHost {
  private readonly init: LeasesInit
  private readonly open = new Inflight()

  constructor(init: LeasesInit) {
    this.init = init
    this.open.max = init.total
  }

  /** Whether no more may be given. */
  get isFull(): boolean {
    return this.open.isFull
  }

  /** @param replyHeaders what the reply is to tell the client */
  give(endpoint: EndpointState, replyHeaders?: Lease['replyHeaders']): Lease {
    endpoint.leases.enter()
    this.open.enter()
    return new EndpointLease(endpoint, this, this.init.onGive(endpoint), replyHeaders)
  }

  /** @returns true as soon as no lease is open; false when `deadlineMs` passed first */
  whenNone(clock: Clock, deadlineMs: number): Promise<boolean> {
    return this.open.whenNone(clock, deadlineMs)
  }

  answered(endpoint: EndpointState, outcome: Outcome, term: number): void {
    this.init.onAnswer(endpoint, outcome, term)
  }

  released(endpoint: EndpointState): void {
    endpoint.leases.leave()
    this.open.leave()
    this.init.onRelease()
  }
}
