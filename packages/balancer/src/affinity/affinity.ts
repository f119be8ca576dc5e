import type { Ask, Clock } from '@gatelet/core'
import type { EndpointState } from '../endpoint.ts'
import { reasonAt } from '../gate.ts'
import type { Selection } from '../selection/selection.ts'
import { beginning, type ReplyHeaders, tokensIn } from './carrier.ts'
import type { AffinityRules } from './options.ts'
import { type Session, Tokens } from './tokens.ts'

/**
 * The stage that keeps the requests of one client at one endpoint. Goes before priorities, zones and the strategy: a session
 * stays where it is though another endpoint would be better, and also while its endpoint is drained.
 */
export class Affinity {
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
    for (const member of members) if (member.fullWeight > 0) this.leftBy.delete(member)
  }

  /** A drained endpoint serves its sessions until then, unless it gets a weight again. */
  leaveBy(endpoint: EndpointState, at: number): void {
    this.leftBy.set(endpoint, at)
  }

  /** What a client says of its session. Read it once for an ask: a signed token costs some microseconds. */
  sessionOf({ context }: Ask): Session | undefined {
    if (!context) return undefined
    for (const token of tokensIn(context, this.rules)) {
      const session = this.tokens.read(token)
      if (session) return session
    }
    return undefined
  }

  /**
   * @returns the endpoint of the session; undefined where any may be picked; `down` or `full` where it must not be another one,
   * though that one may not be asked now
   */
  place(session: Session | undefined, ask: Ask): EndpointState | 'down' | 'full' | undefined {
    if (!session) return undefined
    const { endpoint } = session
    // It will not come back, or not for this request: to refuse would be for ever.
    if (this.hasLeft(endpoint) || !this.selection.isWanted(endpoint, ask)) return undefined
    if (this.mayServe(endpoint, ask)) return endpoint
    if (this.rules.mayMove) return undefined
    return this.isAtLimit(endpoint) ? 'full' : 'down'
  }

  /** The only endpoint that will do for an ask; undefined where others will do as well. */
  boundTo(ask: Ask): EndpointState | undefined {
    return this.rules.mayMove ? undefined : this.sessionOf(ask)?.endpoint
  }

  /** What the reply of an endpoint tells the client; undefined where it knows already. */
  headersFor(endpoint: EndpointState, session: Session | undefined, { context }: Ask): ReplyHeaders | undefined {
    const isKnown = session?.endpoint === endpoint && session.isCurrent
    // Away for one request only: what the client left there is still there.
    const isAwayForNow = session && session.endpoint !== endpoint && this.isAtLimit(session.endpoint)
    if (!context || isKnown || isAwayForNow) return undefined
    return beginning(this.tokens.tokenFor(endpoint), context, this.rules)
  }

  private isAtLimit(endpoint: EndpointState): boolean {
    return reasonAt(this.selection.gates, endpoint) === 'at-limit'
  }

  private mayServe(endpoint: EndpointState, ask: Ask): boolean {
    const { selection } = this
    const isThere = endpoint.fullWeight > 0 ? selection.offers(endpoint) : endpoint.isWell
    return isThere && !ask.tried.includes(endpoint) && reasonAt(selection.gates, endpoint) === undefined
  }

  private hasLeft(endpoint: EndpointState): boolean {
    return endpoint.fullWeight === 0 && this.clock.now() >= (this.leftBy.get(endpoint) ?? Number.POSITIVE_INFINITY)
  }
}
