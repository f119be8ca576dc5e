import { type Clock, type EventMap, subscribe } from '@gatelet/core'
import type { ManagedBalancer } from '../balancer.ts'
import type { EndpointView } from '../endpoint.ts'
import type { ShareChannel } from './channel.ts'
import { type Fact, MAX_FACTS, type Note, noteOf } from './fact.ts'
import { Peers } from './peers.ts'
import type { ShareStatus } from './share.ts'

/** What of a balancer is shared. */
export type SharedBalancer = Pick<ManagedBalancer, 'endpoints' | 'eject' | 'setHealth' | 'setWeight' | 'setChecking'>

/** What sharing lives by. */
export interface SharingInit {
  readonly balancer: SharedBalancer
  readonly name: string
  readonly channel: ShareChannel
  readonly isCheckedByOne: boolean
  readonly heartbeatMs: number
  readonly clock: Clock
  /** Our name among the peers. */
  readonly own: string
}

/** Tells the others what changes here, and does here what they tell. */
export class Sharing implements ShareStatus {
  private readonly init: SharingInit
  private readonly others: Peers
  // What was last heard or told, by kind and endpoint: for those who join, and for endpoints that come to be known here later.
  private readonly known = new Map<string, Fact>()
  private readonly undo: (() => void)[]
  private revision = 0
  private isApplying = false
  private isClosed = false
  private isLeading = true
  private cancelBeat: () => void = () => {}

  constructor(init: SharingInit) {
    const { own, heartbeatMs, channel } = init
    this.init = init
    this.others = new Peers(own, 3 * heartbeatMs)
    this.undo = [
      channel.onMessage((message) => this.hear(message)),
      subscribe('endpoint:changed', (event) => this.changed(event)),
    ]
    this.beat()
  }

  get peers(): number {
    return this.others.count
  }

  get isChecking(): boolean {
    return this.isLeading || !this.init.isCheckedByOne
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.send('bye', [])
    this.cancelBeat()
    for (const undo of this.undo) undo()
    this.lead(true)
  }

  private beat(): void {
    const { clock, heartbeatMs } = this.init
    this.send('hello', [])
    this.others.expire(clock.now())
    this.elect()
    this.cancelBeat = clock.setTimer(() => this.beat(), heartbeatMs)
  }

  private elect(): void {
    this.lead(this.others.isLedByUs)
  }

  private lead(isLeading: boolean): void {
    if (this.isLeading === isLeading) return
    this.isLeading = isLeading
    if (this.init.isCheckedByOne) this.init.balancer.setChecking(isLeading)
  }

  private hear(message: unknown): void {
    const note = noteOf(message)
    const { name, own, clock } = this.init
    if (this.isClosed || !note || note.balancer !== name || note.from === own) return
    if (note.kind === 'bye') this.others.left(note.from)
    else if (this.others.saw(note.from, clock.now())) this.welcome()
    this.elect()
    for (const fact of note.facts) this.take(fact)
  }

  /** Tells one who is new what is known, and that we are here. */
  private welcome(): void {
    const { balancer, clock } = this.init
    const ejected = balancer.endpoints.flatMap((endpoint) => ejectedFact(endpoint, clock.now()) ?? [])
    // As it is now, and not what was told: it may have been found before sharing began.
    const health = this.isCheckingForAll ? balancer.endpoints.flatMap((endpoint) => healthFact(endpoint) ?? []) : []
    const weights = [...this.known.values()].filter(({ what }) => what === 'weight')
    this.send('hello', [...ejected, ...health, ...weights])
  }

  private get isCheckingForAll(): boolean {
    return this.isLeading && this.init.isCheckedByOne
  }

  /** What changed here is told, unless it changed because it was told. */
  private changed(event: EventMap['endpoint:changed']): void {
    const { change } = event
    // The same object: another balancer may know an endpoint by the same id.
    const endpoint = this.isApplying ? undefined : this.init.balancer.endpoints.find((each) => each === event.endpoint)
    if (!endpoint) return
    if (change === 'added') this.apply(endpoint.id)
    const fact = this.factOf(endpoint, change)
    if (!fact) return
    this.remember(fact)
    this.send('facts', [fact])
  }

  private factOf(endpoint: EndpointView, change: EventMap['endpoint:changed']['change']): Fact | undefined {
    const { id, fullWeight: weight } = endpoint
    if (change === 'ejected') return ejectedFact(endpoint, this.init.clock.now())
    if (change === 'weighted' || change === 'draining') return { what: 'weight', id, weight, revision: this.revision + 1 }
    const isHealth = change === 'healthy' || change === 'unhealthy'
    return isHealth && this.isCheckingForAll ? healthFact(endpoint) : undefined
  }

  private take(fact: Fact): void {
    if (fact.what === 'weight') {
      // Of two that change one at the same moment the later number wins, and of equals the greater weight, everywhere.
      const before = this.known.get(keyOf(fact))
      if (before?.what === 'weight' && !isLater(fact, before)) return
    }
    if (fact.what === 'health' && this.isChecking) return
    this.remember(fact)
    this.apply(fact.id, fact)
  }

  /** @param only this fact; default: all that are known of the endpoint and last */
  private apply(id: string, only?: Fact): void {
    const { balancer } = this.init
    if (!balancer.endpoints.some((endpoint) => endpoint.id === id)) return
    const lasting = ['weight', 'health'].flatMap((what) => this.known.get(`${what} ${id}`) ?? [])
    this.isApplying = true
    try {
      for (const fact of only ? [only] : lasting) this.applied(fact)
    } finally {
      this.isApplying = false
    }
  }

  private applied(fact: Fact): void {
    const { balancer } = this.init
    if (fact.what === 'ejected') balancer.eject(fact.id, { forMs: fact.forMs, reason: fact.reason })
    else if (fact.what === 'weight') balancer.setWeight(fact.id, fact.weight)
    else if (!this.isChecking) balancer.setHealth(fact.id, fact.passed, fact.reason)
  }

  private remember(fact: Fact): void {
    if (fact.what === 'ejected') return
    if (fact.what === 'weight') this.revision = Math.max(this.revision, fact.revision)
    const key = keyOf(fact)
    this.known.delete(key)
    this.known.set(key, fact)
    const [oldest] = this.known.keys()
    if (this.known.size > MAX_FACTS && oldest !== undefined) this.known.delete(oldest)
  }

  private send(kind: Note['kind'], facts: readonly Fact[]): void {
    const { name, own, channel } = this.init
    const note: Note = { balancer: name, from: own, kind, facts }
    try {
      channel.send(note)
    } catch {
      // A channel that is lost is no news: whoever is not heard of is forgotten, and each goes on alone.
    }
  }
}

const keyOf = ({ what, id }: Fact): string => `${what} ${id}`

type WeightFact = Extract<Fact, { what: 'weight' }>

const isLater = (a: WeightFact, b: WeightFact): boolean =>
  a.revision > b.revision || (a.revision === b.revision && a.weight > b.weight)

function ejectedFact({ id, ejectedUntil, reason = '' }: EndpointView, now: number): Fact | undefined {
  if (ejectedUntil === undefined) return undefined
  const [first = ''] = reason.split(told)
  return { what: 'ejected', id, forMs: Math.max(0, ejectedUntil - now), reason: `${first}${told}`.slice(0, 500) }
}

function healthFact({ id, health, lastCheck }: EndpointView): Fact | undefined {
  if (health === 'unknown') return undefined
  return { what: 'health', id, passed: health === 'healthy', reason: lastCheck?.error ?? '' }
}

const told = ' (seen by another process)'
