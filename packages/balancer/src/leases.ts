import type { Clock, Lease, Outcome } from '@gatelet/core'
import type { EndpointState } from './endpoint.ts'
import { Inflight } from './inflight.ts'
import { EndpointLease, type LeaseHost } from './lease.ts'

/** Who learns from the outcome of an attempt. */
export interface Learner {
  /** @param term which term of the endpoint's circuit it was sent in */
  report(endpoint: EndpointState, outcome: Outcome, term: number): void
}

/** The last stage of an ask: gives leases, counts them, and passes on how they end. */
export class Leases implements LeaseHost {
  private readonly learners: readonly Learner[]
  readonly open: Inflight = new Inflight()
  private readonly onGive: (endpoint: EndpointState) => number
  private readonly onRelease: () => void

  /**
   * @param learners are told of each outcome, in this order
   * @param onGive told of each lease that is given; returns the term of the endpoint's circuit
   * @param onRelease told when a place is free again
   */
  constructor(learners: readonly Learner[], onGive: (endpoint: EndpointState) => number, onRelease: () => void) {
    this.learners = learners
    this.onGive = onGive
    this.onRelease = onRelease
  }

  /** @param replyHeaders what the reply is to tell the client */
  give(endpoint: EndpointState, replyHeaders?: Lease['replyHeaders']): Lease {
    endpoint.leases.enter()
    this.open.enter()
    return new EndpointLease(endpoint, this, this.onGive(endpoint), replyHeaders)
  }

  /** @returns true as soon as no lease is open; false when `deadlineMs` passed first */
  whenNone(clock: Clock, deadlineMs: number): Promise<boolean> {
    return this.open.whenNone(clock, deadlineMs)
  }

  answered(endpoint: EndpointState, outcome: Outcome, term: number): void {
    for (const learner of this.learners) learner.report(endpoint, outcome, term)
  }

  released(endpoint: EndpointState): void {
    endpoint.leases.leave()
    this.open.leave()
    this.onRelease()
  }
}
