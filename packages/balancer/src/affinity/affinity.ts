import type { Ask, Clock } from '@gatelet/core'
import type { EndpointState } from '../endpoint.ts'
import { reasonAt } from '../gate.ts'
import type { Selection } from '../selection/selection.ts'
import { beginning, type ReplyHeaders, tokensIn } from './carrier.ts'
import type { AffinityRules } from './options.ts'
import { type Session, Tokens } from './tokens.ts'

/** The session's endpoint may not be asked, and no other will do. */
export const nobody = 'nobody'

/**
 * The stage that keeps the requests of one client at one endpoint. Goes before priorities, zones and the strategy: a session
 * stays where it is though another endpoint would be better, and also while its endpoint is drained.
 */
export class Affinity {
  /** Whether the last answer was `nobody` only because the endpoint is at a limit. */
  isHeldBack = false
  private readonly rules: AffinityRules
  private readonly clock: Clock
  private readonly selection: Selection
  private readonly tokens: Tokens
  // When drained endpoints stop serving their sessions, in monotonic milliseconds.
  private readonly leftBy = new WeakMap<EndpointState, number>()

  constructor(rules: AffinityRules, clock: Clock, selection: Selection) {
    this.rules = rules
    this.clock = clock
    this.selection = selection
    this.tokens = new Tokens(rules, clock)
  }

  update(members: readonly EndpointState[]): void {
    this.tokens.update(members)
  }

  /** A drained endpoint serves its sessions until then; one that comes back serves them on. */
  leaveBy(endpoint: EndpointState, at: number): void {
    this.leftBy.set(endpoint, at)
  }

  /** @returns the endpoint of the client's session, `nobody` where it must not be another one, undefined where it may */
  place(ask: Ask): EndpointState | typeof nobody | undefined {
    const session = this.sessionOf(ask)
    this.isHeldBack = false
    if (!session) return undefined
    const { endpoint } = session
    if (endpoint && this.mayServe(endpoint, ask)) return endpoint
    if (this.rules.mayMove) return undefined
    this.isHeldBack = endpoint !== undefined && this.isAtLimit(endpoint)
    return nobody
  }

  /** What the reply of an endpoint tells the client; undefined where it knows already. */
  headersFor(endpoint: EndpointState, ask: Ask): ReplyHeaders | undefined {
    const session = this.sessionOf(ask)
    const isKnown = session?.endpoint === endpoint && session.isCurrent
    // Away for one request only: what the client left there is still there.
    const isAwayForNow = session?.endpoint && session.endpoint !== endpoint && this.isAtLimit(session.endpoint)
    if (!ask.context || isKnown || isAwayForNow) return undefined
    return beginning(this.tokens.tokenFor(endpoint), ask.context, this.rules)
  }

  private sessionOf({ context }: Ask): Session | undefined {
    if (!context) return undefined
    for (const token of tokensIn(context, this.rules)) {
      const session = this.tokens.read(token)
      if (session) return session
    }
    return undefined
  }

  private isAtLimit(endpoint: EndpointState): boolean {
    return reasonAt(this.selection.gates, endpoint) === 'at-limit'
  }

  private mayServe(endpoint: EndpointState, ask: Ask): boolean {
    const { selection } = this
    const isThere = endpoint.fullWeight > 0 ? selection.offers(endpoint) : this.isServingStill(endpoint)
    return (
      isThere &&
      !ask.tried.includes(endpoint) &&
      selection.isWanted(endpoint, ask) &&
      reasonAt(selection.gates, endpoint) === undefined
    )
  }

  private isServingStill(endpoint: EndpointState): boolean {
    return endpoint.isWell && this.clock.now() < (this.leftBy.get(endpoint) ?? Number.POSITIVE_INFINITY)
  }
}
