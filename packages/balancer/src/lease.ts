import type { Lease, Outcome, Target } from '@gatelet/core'
import type { EndpointState } from './endpoint.ts'

/** Who gave a lease, and is told of its two ends. Each is called exactly once for every lease. */
export interface LeaseHost {
  /** @param term which term of the endpoint's circuit the attempt was sent in */
  answered(endpoint: EndpointState, outcome: Outcome, term: number): void
  released(endpoint: EndpointState): void
}

/** One endpoint, picked for one attempt. */
export class EndpointLease implements Lease {
  readonly endpoint: EndpointState
  readonly target: Target
  readonly replyHeaders?: readonly [name: string, value: string][]
  private readonly host: LeaseHost
  private readonly term: number
  private isAnswered = false
  private isReleased = false

  constructor(endpoint: EndpointState, host: LeaseHost, term: number, replyHeaders?: readonly [name: string, value: string][]) {
    this.endpoint = endpoint
    this.target = endpoint.target
    this.host = host
    this.term = term
    if (replyHeaders) this.replyHeaders = replyHeaders
  }

  answered(outcome: Outcome): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.host.answered(this.endpoint, outcome, this.term)
  }

  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    // First the slot: whatever the outcome sets off sees the endpoint without this lease.
    this.host.released(this.endpoint)
    this.answered(cancelled)
  }
}

/** For a lease that ends without a word: it tells nothing about the endpoint. */
const cancelled: Outcome = Object.freeze({ kind: 'cancelled', latencyMs: 0 })
