import type { Context, Handler, MaybePromise } from './contract.ts'

/** One server or function that can answer. */
export interface Endpoint {
  readonly id: string
  /** Its share of the traffic relative to the others; 0 takes no new requests. */
  readonly weight: number
  /** Leases that are not released yet. */
  readonly inflight: number
  readonly metadata: Readonly<Record<string, unknown>>
}

/** What is known about a request when an endpoint is picked for it. */
export interface Ask {
  /** Requests with the same key go to the same endpoint, where the strategy hashes. */
  hashKey?: string
  /** Higher is more important. */
  priority?: number
  /** Endpoints that this request has been to already; passed over while another is left. */
  tried: readonly Endpoint[]
  /** Ends a wait in the queue. */
  signal?: AbortSignal
  /** Missing for calls that are not HTTP requests. */
  context?: Context
}

/** No endpoint now, and why. An answer, not an error. */
export interface Refusal {
  reason: 'none-healthy' | 'queue-full' | 'queue-timeout' | 'overloaded' | 'draining'
  retryAfterMs?: number
}

/** How one attempt went. */
export interface Outcome {
  /** `cancelled`: the client left, or a hedge won. It says nothing about the endpoint. */
  kind: 'success' | 'failure' | 'cancelled'
  /** Milliseconds to the response's headers, or to the failure; a wait in a queue of ours is not in it. */
  latencyMs: number
  status?: number
  retryAfterMs?: number
}

/** Where a leased endpoint is reached: over the network (a path in `origin` is put before the request's), or by a call. */
export type Target = { origin: URL; socketPath?: string } | { handler: Handler }

/** One endpoint picked for one attempt. */
export interface Lease {
  readonly endpoint: Endpoint
  readonly target: Target
  /** To be added to the reply, for example an affinity cookie. */
  readonly replyHeaders?: readonly [name: string, value: string][]
  /** At the response's headers, or at the failure: feeds latency, ejection, breaker. Counts once. */
  answered(outcome: Outcome): void
  /** When the exchange is over: frees the slot. Exactly once; a second call does nothing. */
  release(): void
}

/** A set of endpoints, their health, and a strategy that ranks them. */
export interface Balancer {
  acquire(ask: Ask): MaybePromise<Lease | Refusal>
  close(): Promise<void>
}

/** Whether `acquire` gave an endpoint. */
export function isLease(answer: Lease | Refusal): answer is Lease {
  return 'endpoint' in answer
}

/** What a strategy may ask about one pick. */
export interface PickContext {
  readonly hashKey: string | undefined
  /** 0 for the first try. */
  readonly attempt: number
  /** False when the endpoint was tried already, is at its limit, or must not be picked for another reason. */
  accepts(endpoint: Endpoint): boolean
}

/** The rule that picks one endpoint of those that may be picked. The balancer filters and counts; a strategy only ranks. */
export interface Strategy {
  /** A whole snapshot, when membership, weight or health changed. Never empty of state: keep what you know of those that stay. */
  update(endpoints: readonly Endpoint[]): void
  /** Synchronous. Only an endpoint that `accepts` admits, and one of them whenever there is one. */
  pick(context: PickContext): Endpoint | undefined
  report?(endpoint: Endpoint, outcome: Outcome): void
  /** Pure: the score of each candidate, lower is better. */
  explain?(context: PickContext): readonly { id: string; score: number }[]
}

/** Makes a strategy. Time and chance come in, so that tests drive them. */
export type StrategyFactory = (env: { now(): number; random(): number }) => Strategy

/** Why an endpoint was not a candidate for a request. */
export type ExclusionReason =
  | 'ejected'
  | 'unhealthy'
  | 'breaker-open'
  | 'draining'
  | 'at-limit'
  | 'tried'
  | 'other-tier'
  | 'other-zone'
  | 'not-in-subset'

/** Why one endpoint was picked, or none. */
export interface Explanation {
  /** The id of the endpoint that was picked; undefined when the request was refused. */
  readonly chosen: string | undefined
  /**
   * `strategy`: it ranked it first. `affinity`: the client's session is there. `last-resort`: every other was tried, and this
   * one is ejected. `again`: every one was tried. `refused`: nobody may be picked.
   */
  readonly why: 'strategy' | 'affinity' | 'last-resort' | 'again' | 'refused'
  /** Those among which the strategy had to pick, best first; without scores where the strategy gives none. Lower is better. */
  readonly candidates: readonly { readonly id: string; readonly score?: number }[]
  readonly excluded: readonly { readonly id: string; readonly reason: ExclusionReason }[]
  /** How the traffic is shared among priorities and zones now. The shares of all zones sum to 1. */
  readonly groups: readonly {
    readonly priority: number
    /** Undefined where zones are not told apart. */
    readonly zone: string | undefined
    readonly share: number
    /** So few of this priority are healthy that health is ignored. */
    readonly isPanicking: boolean
  }[]
}
