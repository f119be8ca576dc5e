import { type Ask, type Clock, type Explanation, isHeard, type Lease, publish } from '@gatelet/core'
import type { Affinity } from './affinity/affinity.ts'
import type { EndpointState } from './endpoint.ts'
import { Look } from './explain.ts'
import type { Membership } from './membership.ts'
import type { Selection } from './selection/selection.ts'

/** Who has a say in a pick. */
export interface PickingInit {
  readonly clock: Clock
  readonly name: string | undefined
  readonly membership: Membership
  readonly selection: Selection
  readonly affinity: Affinity | undefined
  readonly explainShare: number
}

/** Finds whom an ask gets: the endpoint where its client's session is, else the one that the selection picks. */
export class Picking {
  /** Whether the last pick found nobody only because somebody is at a limit. */
  isHeldBack = false
  /** What the reply of the endpoint that was picked last is to tell the client. */
  replyHeaders: Lease['replyHeaders']
  private why: Explanation['why'] = 'strategy'
  private readonly init: PickingInit

  constructor(init: PickingInit) {
    this.init = init
  }

  /** @returns undefined where nobody may be picked */
  pick(ask: Ask): EndpointState | undefined {
    const { membership, explainShare } = this.init
    membership.refresh()
    if (explainShare > 0 && this.isSampled(explainShare)) return this.explainedPick(ask)
    return this.picked(ask)
  }

  /** Asks of one kind can go to the same endpoints: where one of them has to wait, all have to. */
  kindOf(ask: Ask): string {
    const tried = ask.tried.map(({ id }) => id).sort()
    const wanted = this.init.selection.subsetOf(ask)
    const session = this.init.affinity?.boundTo(ask)?.id
    // As JSON, since ids may hold anything.
    return tried.length === 0 && wanted === undefined && session === undefined ? '' : JSON.stringify([tried, wanted, session])
  }

  /** Why an ask would get what it would get now. Changes nothing. */
  explain(ask: Ask): Explanation {
    const { membership, selection, affinity } = this.init
    membership.refresh()
    selection.refresh()
    const look = new Look(selection, ask)
    const placed = affinity?.place(affinity.sessionOf(ask), ask)
    if (placed === 'down' || placed === 'full') return look.explanation({ endpoint: undefined, why: 'refused' })
    return look.explanation(placed ? { endpoint: placed, why: 'affinity' } : look.likely())
  }

  private picked(ask: Ask): EndpointState | undefined {
    const { affinity } = this.init
    return affinity ? this.placed(affinity, ask) : this.selected(ask)
  }

  private placed(affinity: Affinity, ask: Ask): EndpointState | undefined {
    const session = affinity.sessionOf(ask)
    const placed = affinity.place(session, ask)
    if (placed === 'down' || placed === 'full') {
      this.isHeldBack = placed === 'full'
      return undefined
    }
    const picked = placed ?? this.selected(ask)
    if (placed) this.why = 'affinity'
    this.replyHeaders = picked && affinity.headersFor(picked, session, ask)
    return picked
  }

  private selected(ask: Ask): EndpointState | undefined {
    const { selection } = this.init
    const picked = selection.pick(ask)
    this.isHeldBack = !picked && selection.isHeldBack
    this.why = selection.why
    return picked
  }

  private isSampled(share: number): boolean {
    return isHeard('endpoint:explained') && this.init.clock.random() < share
  }

  private explainedPick(ask: Ask): EndpointState | undefined {
    const { selection, name: balancer } = this.init
    selection.refresh()
    const look = new Look(selection, ask)
    const endpoint = this.picked(ask)
    const why = endpoint ? this.why : 'refused'
    publish('endpoint:explained', {
      explanation: look.explanation({ endpoint, why }),
      ...(ask.context ? { context: ask.context } : {}),
      ...(balancer === undefined ? {} : { balancer }),
    })
    return endpoint
  }
}
