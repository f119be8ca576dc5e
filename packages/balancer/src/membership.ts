import { type Clock, type EventMap, GatewayError, type Outcome, publish } from '@gatelet/core'
import type { Rotation } from './choice.ts'
import type { EjectionRules } from './ejection.ts'
import { nextReadmission, readmit, verdict } from './ejection-policy.ts'
import { EndpointState } from './endpoint.ts'
import type { EndpointSpec } from './endpoint-options.ts'

/** All endpoints at one time, and those of them that are healthy and have a weight. Never changed. */
export interface Snapshot {
  readonly members: readonly EndpointState[]
  readonly rotation: Rotation
}

/** What a set of endpoints lives by. */
export interface MembershipInit {
  readonly clock: Clock
  /** Undefined: nothing is ejected. */
  readonly rules: EjectionRules | undefined
  readonly name: string | undefined
  /** Told of each new snapshot, before anybody can be picked from it. */
  readonly onSnapshot: (snapshot: Snapshot) => void
}

/**
 * Which endpoints there are, and which of them may be picked. Both are snapshots that are replaced whole: who holds one keeps
 * what it began with. No timer runs: an ejection whose time is over is noticed when somebody looks.
 */
export class Membership {
  private readonly init: MembershipInit
  private members: readonly EndpointState[] = []
  private inRotation: Rotation = new Set()
  private nextReadmission = Number.POSITIVE_INFINITY

  constructor(init: MembershipInit) {
    this.init = init
  }

  /** Every endpoint that was not removed. */
  get all(): readonly EndpointState[] {
    this.refresh()
    return this.members
  }

  /** Those that may be picked: weight above 0, not ejected. */
  get rotation(): Rotation {
    this.refresh()
    return this.inRotation
  }

  /** @throws GatewayError `BAD_OPTION` */
  find(id: string): EndpointState {
    const found = this.members.find((member) => member.id === id)
    if (found) return found
    const known = this.members.slice(0, 10).map((member) => member.id)
    const more = this.members.length > known.length ? ', …' : ''
    const message = `no endpoint has the id ${JSON.stringify(id)}; known are ${known.join(', ') || 'none'}${more}`
    throw new GatewayError('BAD_OPTION', { path: 'id', message })
  }

  /** @throws GatewayError `BAD_OPTION` when the id is taken */
  add(spec: EndpointSpec): EndpointState {
    if (this.members.some(({ id }) => id === spec.id)) {
      const message = `there is an endpoint with the id ${JSON.stringify(spec.id)} already`
      throw new GatewayError('BAD_OPTION', { path: 'id', message })
    }
    const added = new EndpointState(spec)
    this.become([...this.members, added])
    this.tell(added, 'added')
    return added
  }

  remove(gone: EndpointState): void {
    this.become(this.members.filter((member) => member !== gone))
    this.tell(gone, 'removed')
  }

  setWeight(member: EndpointState, weight: number): void {
    if (!member.setWeight(weight)) return
    this.become(this.members)
    this.tellWeight(member)
  }

  /** The whole list anew. Endpoints that are the same keep their figures. @returns those that are gone */
  replace(specs: readonly EndpointSpec[]): readonly EndpointState[] {
    const before = new Map(this.members.map((member) => [member.id, member]))
    const added: EndpointState[] = []
    const weighted: EndpointState[] = []
    const members = specs.map((spec) => {
      const known = before.get(spec.id)
      if (known?.isSameAs(spec)) {
        before.delete(spec.id)
        if (known.respecify(spec)) weighted.push(known)
        return known
      }
      const member = new EndpointState(spec)
      added.push(member)
      return member
    })
    this.become(members)
    const gone = [...before.values()]
    for (const member of gone) this.tell(member, 'removed')
    for (const member of added) this.tell(member, 'added')
    for (const member of weighted) this.tellWeight(member)
    return gone
  }

  /** Learns how an attempt went. */
  report(endpoint: EndpointState, outcome: Outcome): void {
    const { rules } = this.init
    if (!rules || !endpoint.ejection.learn(outcome, rules) || !this.rotation.has(endpoint)) return
    const what = verdict(this.members, rules)
    if (what === 'eject') this.eject(endpoint, rules)
    else if (what === 'readmit') this.readmitAll()
  }

  private eject(endpoint: EndpointState, rules: EjectionRules): void {
    endpoint.ejection.eject(this.init.clock.now(), rules)
    this.become(this.members)
    this.tell(endpoint, 'ejected', `${endpoint.consecutiveFailures} failures in a row`)
  }

  private readmitAll(): void {
    const ejected = this.members.filter(({ state }) => state === 'ejected')
    if (ejected.length === 0) return
    for (const { ejection } of ejected) ejection.readmit(this.init.clock.now())
    this.become(this.members)
    for (const member of ejected) this.tell(member, 'readmitted', 'all others fail too')
  }

  /** Notices what time has brought: ejections that are over. */
  refresh(): void {
    if (this.nextReadmission === Number.POSITIVE_INFINITY || this.init.clock.now() < this.nextReadmission) return
    this.become(this.members)
  }

  // The one place where snapshots are swapped. Events follow when everything is in place, since a listener may call back.
  private become(members: readonly EndpointState[]): void {
    const { clock, rules, onSnapshot } = this.init
    this.members = members
    const readmitted = rules ? readmit(members, clock.now(), rules) : []
    this.inRotation = new Set(members.filter(({ state }) => state === 'active'))
    this.nextReadmission = nextReadmission(members)
    onSnapshot({ members, rotation: this.inRotation })
    for (const [member, reason] of readmitted) this.tell(member, 'readmitted', reason)
  }

  private tellWeight(member: EndpointState): void {
    this.tell(member, member.fullWeight === 0 ? 'draining' : 'weighted')
  }

  private tell(endpoint: EndpointState, change: EventMap['endpoint:changed']['change'], reason?: string): void {
    const { name: balancer } = this.init
    publish('endpoint:changed', {
      endpoint,
      change,
      ...(reason === undefined ? {} : { reason }),
      ...(balancer === undefined ? {} : { balancer }),
    })
  }
}
