import type { Ask, Clock, Context, Lease, MaybePromise, Outcome, Refusal } from '@gatelet/core'
import type { Leases } from '../leases.ts'
import type { Membership } from '../membership.ts'
import type { Picking } from '../picking.ts'
import type { LoadShedder } from '../shedding/load-shedder.ts'
import type { QueueOptions } from './options.ts'
import { Queue } from './queue.ts'
import { Ramp } from './ramp.ts'

/** What the admission lives by. */
export interface AdmissionInit {
  readonly clock: Clock
  readonly name: string | undefined
  readonly queue: Required<QueueOptions> | undefined
  readonly priority: ((ctx: Context) => number) | undefined
  readonly shed: LoadShedder | undefined
  readonly picking: Picking
  readonly leases: Leases
  readonly membership: Membership
}

/** The stage that gives an ask its endpoint at once, has it wait for one, or refuses it. */
export class Admission {
  private readonly init: AdmissionInit
  private readonly queue: Queue | undefined
  private readonly ramp = new Ramp()
  private closed = false
  /** Whether the last grant failed at the limit of all. */
  private isFull = false

  constructor(init: AdmissionInit) {
    this.init = init
    const { queue: rules, clock, name } = init
    if (rules) this.queue = new Queue({ rules, clock, name, grant: (ask) => this.nextGrant(ask) })
  }

  /** Answers at once. Nobody who waits is overtaken. */
  now(ask: Ask): Lease | Refusal {
    if (this.closed) return draining
    const shed = this.shedFor(ask)
    if (shed) return shed
    if (this.queue?.length) return atLimit
    return this.grant(ask) ?? this.refusal()
  }

  /** Answers at once where that is possible, and otherwise as soon as it is. */
  admit(ask: Ask): MaybePromise<Lease | Refusal> {
    if (this.closed) return draining
    const shed = this.shedFor(ask)
    if (shed) return shed
    const { queue } = this
    if (!queue?.length) {
      const granted = this.grant(ask)
      if (granted) return granted
      const refusal = this.refusal()
      if (!queue || (refusal.reason === 'none-healthy' && !this.init.queue?.whileNoneHealthy)) return refusal
    }
    const waiting = queue.wait(ask, this.priorityOf(ask), this.init.picking.kindOf(ask))
    // Others wait, and none of them may be able to use what is free.
    queue.serve()
    return waiting
  }

  /** A lease was released, or a limit has grown. */
  freed(): void {
    if (this.queue?.length) this.queue.serve()
  }

  /** Takes over a new snapshot: an endpoint may have come, recovered, or gone. */
  update(): void {
    // Not before everything that is told of the snapshot knows it.
    if (this.queue?.length) queueMicrotask(() => this.queue?.serve())
  }

  /** Learns how an attempt went. */
  learn({ kind }: Outcome): void {
    if (this.ramp.isOpen) return
    this.ramp.learned(kind === 'success')
    this.freed()
  }

  close(): void {
    this.closed = true
    this.queue?.clear(draining)
  }

  // A request that was let in is not refused at its next attempt.
  private shedFor(ask: Ask): Refusal | undefined {
    const { shed } = this.init
    return !shed || ask.tried.length > 0 || shed.admits(this.priorityOf(ask)) ? undefined : shed.refusal()
  }

  private grant(ask: Ask): Lease | undefined {
    const { leases, picking } = this.init
    this.isFull = leases.isFull
    if (this.isFull) return undefined
    const picked = picking.pick(ask)
    return picked && leases.give(picked, picking.replyHeaders)
  }

  private nextGrant(ask: Ask): Lease | undefined {
    if (!this.ramp.hasRoom) return undefined
    const lease = this.grant(ask)
    if (lease) this.ramp.left(this.queue?.length === 1)
    else if (this.refusal().reason === 'none-healthy') this.ramp.stopped()
    return lease
  }

  private refusal(): Refusal {
    const { picking, membership } = this.init
    return this.isFull || picking.isHeldBack ? atLimit : membership.noneHealthy
  }

  private priorityOf({ priority, context }: Ask): number {
    const found = priority ?? (context && this.init.priority?.(context)) ?? 0
    return Number.isNaN(found) ? 0 : found
  }
}

const draining: Refusal = Object.freeze({ reason: 'draining' })
const atLimit: Refusal = Object.freeze({ reason: 'queue-full', retryAfterMs: 1_000 })
