import { type Clock, type EventMap, GatewayError, type Outcome, publish, type Refusal } from '@gatelet/core'
import type { Rotation } from './choice.ts'
import type { EjectionRules } from './ejection.ts'
import { beyondShare, due, hasRoom, nextDue, verdict } from './ejection-policy.ts'
import { EndpointState } from './endpoint.ts'
import type { EndpointSpec } from './endpoint-options.ts'
import type { Monitor } from './health/monitor.ts'
import type { CheckResult } from './health/record.ts'
import { outliersOf } from './outliers.ts'

/** All endpoints at one time, and those of them that are healthy and have a weight. Never changed. */
export interface Snapshot {
  readonly members: readonly EndpointState[]
  readonly rotation: Rotation
}

/** An endpoint that is ejected no longer, and why. */
type Back = readonly [endpoint: EndpointState, change: 'half-open' | 'readmitted', reason: string]

const atOnce = { rise: 1, fall: 1 }
const timeIsOver = 'its time is over'
const checkPassed = 'a check passed'

/** What a set of endpoints lives by. */
export interface MembershipInit {
  readonly clock: Clock
  /** Undefined: nothing is ejected. */
  readonly rules: EjectionRules | undefined
  readonly name: string | undefined
  /** Checks the members; undefined: nobody does. */
  readonly monitor: Monitor | undefined
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
  private nextDue = Number.POSITIVE_INFINITY
  private nextComparison = 0

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
    const added = this.made(spec)
    this.become([...this.members, added])
    this.tell(added, 'added')
    return added
  }

  remove(gone: EndpointState): void {
    gone.ejection.retire()
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
      const member = this.made(spec)
      added.push(member)
      return member
    })
    this.become(members)
    const gone = [...before.values()]
    for (const member of gone) member.ejection.retire()
    for (const member of gone) this.tell(member, 'removed')
    for (const member of added) this.tell(member, 'added')
    for (const member of weighted) this.tellWeight(member)
    return gone
  }

  /** The answer where nobody may be picked. Where it is ejections that are in the way, it says when the next one is over. */
  get noneHealthy(): Refusal {
    if (!this.init.rules?.failFast || this.nextDue === Number.POSITIVE_INFINITY) return noneHealthy
    return { reason: 'none-healthy', retryAfterMs: Math.max(0, Math.ceil(this.nextDue - this.init.clock.now())) }
  }

  /** A lease was given. @returns the term of its endpoint's circuit, which `report` wants back */
  began(endpoint: EndpointState): number {
    const { ejection } = endpoint
    const { rules, clock } = this.init
    if (rules && ejection.circuit === 'half-open' && !ejection.isProbed) {
      ejection.beginProbe(clock.now(), rules)
      this.nextDue = Math.min(this.nextDue, ejection.until as number)
    }
    return ejection.term
  }

  /** Learns how an attempt went. @param term what `began` returned for it */
  report(endpoint: EndpointState, outcome: Outcome, term: number): void {
    const { rules, clock } = this.init
    const { ejection } = endpoint
    endpoint.attempts++
    // A cancelled attempt says nothing, but makes room for another probe.
    if (!rules || ejection.term !== term || (outcome.kind === 'cancelled' && ejection.circuit === 'closed')) return
    const now = clock.now()
    if (ejection.circuit === 'half-open') this.probed(endpoint, outcome, now, rules)
    else if (ejection.learn(outcome, now, rules)) this.judge(endpoint, now, rules)
    if (now >= this.nextComparison) this.compare(now, rules)
  }

  /**
   * Learns what a check of it has found.
   * @param isFinal it was found elsewhere, by as many checks as it takes
   */
  checked(endpoint: EndpointState, result: CheckResult, isFinal = false): void {
    const { checks } = endpoint
    const hasChanged = isFinal ? checks.adopt(result) : checks.learn(result, this.init.monitor?.rules ?? atOnce)
    // What was found elsewhere may have been found before the ejection.
    const isRecovered = !isFinal && this.isRecovered(endpoint, result)
    if (hasChanged || isRecovered) this.become(this.members)
    if (hasChanged) this.tell(endpoint, checks.health === 'healthy' ? 'healthy' : 'unhealthy', result.error)
    if (isRecovered) this.tell(endpoint, endpoint.circuit === 'closed' ? 'readmitted' : 'half-open', checkPassed)
  }

  /**
   * Ejects an endpoint because somebody says so. Like every ejection it keeps to the share.
   * @returns whether it is ejected now
   */
  ejectFor(endpoint: EndpointState, forMs: number, reason: string): boolean {
    const { rules, clock } = this.init
    this.refresh()
    if (endpoint.circuit === 'open') return true
    if (!rules || !hasRoom(this.members, endpoint, rules)) return false
    endpoint.ejection.open(clock.now(), clock.now() + forMs, reason)
    this.become(this.members)
    this.tell(endpoint, 'ejected', reason)
    return true
  }

  /** Notices what time has brought: ejections that are over. */
  refresh(): void {
    if (this.nextDue === Number.POSITIVE_INFINITY || this.init.clock.now() < this.nextDue) return
    this.become(this.members)
  }

  // Ends an ejection, where a check that began after it has passed.
  private isRecovered(endpoint: EndpointState, result: CheckResult): boolean {
    const { rules, clock } = this.init
    const { ejection, checks } = endpoint
    if (!rules || !result.passed || checks.health !== 'healthy') return false
    if (!ejection.believes(result.at - result.latencyMs, rules)) return false
    ejection.halfOpen(clock.now(), checkPassed, rules)
    return true
  }

  private probed(endpoint: EndpointState, outcome: Outcome, now: number, rules: EjectionRules): void {
    const what = endpoint.ejection.endProbe(outcome)
    if (what === 'failed') this.eject(endpoint, now, 'its probe failed', rules)
    else if (what === 'passed') this.readmit([endpoint], now, true, 'its probe succeeded')
  }

  private judge(endpoint: EndpointState, now: number, rules: EjectionRules): void {
    this.refresh()
    if (!this.inRotation.has(endpoint)) return
    const what = verdict(this.members, now, rules)
    if (what === 'eject') this.eject(endpoint, now, endpoint.ejection.complaint(now, rules) ?? '', rules)
    else if (what === 'readmit') {
      const resting = this.members.filter(({ circuit }) => circuit !== 'closed')
      this.readmit(resting, now, false, 'all others fail too')
    }
  }

  /** Looks for those that fail more than the others, three times in a window. */
  private compare(now: number, rules: EjectionRules): void {
    this.nextComparison = now + rules.windowMs / 3
    for (const endpoint of outliersOf(this.members, now, rules)) {
      if (!hasRoom(this.members, endpoint, rules)) return
      const percent = (100 * (1 - endpoint.ejection.window.failureRate)).toFixed(1)
      this.eject(endpoint, now, `only ${percent} % of its requests succeed, fewer than of the others`, rules)
    }
  }

  private eject(endpoint: EndpointState, now: number, reason: string, rules: EjectionRules): void {
    endpoint.ejection.eject(now, reason, rules, rules.jitter === 0 ? 0 : this.init.clock.random())
    this.become(this.members)
    this.tell(endpoint, 'ejected', reason)
  }

  private readmit(resting: readonly EndpointState[], now: number, isSettled: boolean, reason: string): void {
    if (resting.length === 0) return
    for (const { ejection } of resting) ejection.close(now, isSettled)
    this.become(this.members)
    for (const member of resting) this.tell(member, 'readmitted', reason)
  }

  // The one place where snapshots are swapped. Events follow when everything is in place, since a listener may call back.
  private become(members: readonly EndpointState[]): void {
    const isOther = members !== this.members
    this.members = members
    if (isOther) this.init.monitor?.follow(members)
    const back = this.settle()
    this.inRotation = new Set(members.filter(({ state }) => state === 'active'))
    this.nextDue = nextDue(members)
    this.init.onSnapshot({ members, rotation: this.inRotation })
    for (const [member, change, reason] of back) this.tell(member, change, reason)
  }

  // Ends what time or a smaller set ends.
  private settle(): readonly Back[] {
    const { rules, clock } = this.init
    if (!rules || this.members.every(({ circuit }) => circuit === 'closed')) return []
    const now = clock.now()
    const over = due(this.members, now).filter(({ circuit }) => circuit === 'open')
    for (const { ejection } of due(this.members, now))
      if (ejection.circuit === 'open') ejection.halfOpen(now, timeIsOver, rules)
      else ejection.awaitProbe()
    const spare = beyondShare(this.members, now, rules)
    for (const { ejection } of spare) ejection.close(now, false)
    return [
      ...over.map((member): Back => [member, member.circuit === 'closed' ? 'readmitted' : 'half-open', timeIsOver]),
      ...spare.map((member): Back => [member, 'readmitted', 'too few others are left']),
    ]
  }

  private made(spec: EndpointSpec): EndpointState {
    return new EndpointState(spec, this.init.monitor?.rules.assume === 'unhealthy')
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

const noneHealthy: Refusal = Object.freeze({ reason: 'none-healthy' })
