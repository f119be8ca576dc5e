import { type Clock, GatewayError, publish } from '@gatelet/core'
import type { EndpointSpec } from '../endpoint-options.ts'
import type { DiscoveryRules } from './options.ts'
import type { DiscoveryObserver, DiscoverySource } from './source.ts'
import { isSameList, type Usable, usable } from './usable.ts'

/** How well a balancer knows its endpoints. */
export interface DiscoveryStatus {
  /** The name of the source. */
  readonly source: string
  /** `waiting`: there was no list yet. `stale`: the endpoints are those of an earlier answer, since looking fails. */
  readonly state: 'waiting' | 'current' | 'stale'
  /** Entries of the last list that were not taken. */
  readonly skipped: number
  /** When the last list came that was taken, in milliseconds since 1970. */
  readonly lastSuccess: number | undefined
  /** Why the last look failed. It stays to be read when later ones succeed. */
  readonly lastError: GatewayError | undefined
  /** When the first look failed after `lastSuccess`, in milliseconds since 1970. Undefined unless the state is `stale`. */
  readonly staleSince: number | undefined
}

/** What a discovery lives by. */
export interface DiscoveryInit {
  readonly source: DiscoverySource
  readonly rules: DiscoveryRules
  readonly clock: Clock
  /** Of the balancer. */
  readonly name: string | undefined
  /** The ids of the endpoints that are there. */
  readonly known: () => ReadonlySet<string>
  /** Takes a list over. */
  readonly onList: (specs: readonly EndpointSpec[]) => void
}

/**
 * Watches a source for a balancer. What was found last stays until something better comes; nothing that a source says or
 * throws gets further than here.
 */
export class Discovery {
  /** Resolves when the first list was taken over, or at the end. */
  readonly first: Promise<void>
  private readonly init: DiscoveryInit
  private readonly end: () => void
  private tellFirst = () => {}
  private isOver = false
  private lastSuccess: number | undefined
  private lastError: GatewayError | undefined
  private staleSince: number | undefined
  private taken: Usable | undefined
  // The list that waits for `coalesceMs` to pass, and the end of that wait.
  private next: Usable | undefined
  private endWait: (() => void) | undefined
  private warnedAt = Number.NEGATIVE_INFINITY

  constructor(init: DiscoveryInit) {
    this.init = init
    this.first = new Promise((resolve) => {
      this.tellFirst = resolve
    })
    this.end = this.begin()
  }

  get status(): DiscoveryStatus {
    const { lastSuccess, lastError, staleSince, taken } = this
    const state = staleSince !== undefined ? 'stale' : lastSuccess === undefined ? 'waiting' : 'current'
    return { source: this.init.source.name, state, skipped: taken?.skipped ?? 0, lastSuccess, lastError, staleSince }
  }

  /** Ends it: nothing changes any more. */
  close(): void {
    if (this.isOver) return
    this.isOver = true
    this.endWait?.()
    this.tellFirst()
    try {
      this.end()
    } catch (error) {
      this.warn(`could not be closed: ${reasonOf(error)}`)
    }
  }

  private begin(): () => void {
    const observer: DiscoveryObserver = {
      clock: this.init.clock,
      found: (endpoints) => this.guarded(() => this.found(endpoints)),
      failed: (reason) => this.guarded(() => this.failed(reason)),
    }
    try {
      const end: unknown = this.init.source.watch(observer)
      return typeof end === 'function' ? (end as () => void) : () => {}
    } catch (error) {
      this.failed(error)
      return () => {}
    }
  }

  // A strategy, or a listener of an event, may throw at what a list brings: the source must not suffer from it.
  private guarded(tell: () => void): void {
    if (this.isOver) return
    try {
      tell()
    } catch (error) {
      this.warn(`found what could not be taken over: ${reasonOf(error)}`)
    }
  }

  private found(endpoints: unknown): void {
    const { rules, known, clock } = this.init
    const list = usable(endpoints, rules.maxEndpoints, known())
    const refused = list ? this.refusal(list) : 'what it found is not a list'
    if (refused !== undefined || !list) {
      this.failed(refused)
      return
    }
    this.lastSuccess = clock.date()
    this.staleSince = undefined
    this.next = list
    if (this.endWait === undefined) this.takeOver()
  }

  private refusal({ specs, skipped, reasons }: Usable): string | undefined {
    if (specs.length > 0) return undefined
    if (skipped > 0) return `no endpoint that it found is right: ${reasons[0]}`
    const isFirst = this.lastSuccess === undefined
    return this.init.rules.onEmpty === 'keep' && !isFirst ? 'it found no endpoints' : undefined
  }

  private takeOver(): void {
    const list = this.next
    this.next = undefined
    // The same again changes nothing: no strategy builds its tables anew because a TTL was over.
    if (!list || (this.taken && isSameList(list, this.taken))) return
    const { clock, rules, onList } = this.init
    this.taken = list
    if (rules.coalesceMs > 0) this.endWait = clock.setTimer(() => this.waited(), rules.coalesceMs)
    onList(list.specs)
    if (list.skipped > 0) this.warn(`found ${list.skipped} endpoints that are passed over: ${list.reasons.join('; ')}`)
    this.tellFirst()
    publish('discovery:updated', { ...this.who(), endpoints: list.specs.length, skipped: list.skipped })
  }

  private waited(): void {
    this.endWait = undefined
    this.guarded(() => this.takeOver())
  }

  private failed(reason: unknown): void {
    const message = `${this.init.source.name}: ${reasonOf(reason)}`
    const error = new GatewayError('DISCOVERY_FAILED', { message, cause: reason })
    this.lastError = error
    if (this.staleSince === undefined && this.lastSuccess !== undefined) this.staleSince = this.init.clock.date()
    this.warn(`failed: ${reasonOf(reason)}; the endpoints that were found last stay`)
    publish('discovery:failed', { ...this.who(), error })
  }

  private who(): { source: string; balancer?: string } {
    const { source, name } = this.init
    return name === undefined ? { source: source.name } : { source: source.name, balancer: name }
  }

  // Once a minute: a source that is away for hours must not fill a log. Who wants each of them listens to the events.
  private warn(what: string): void {
    const now = this.init.clock.now()
    if (now - this.warnedAt < WARN_EVERY_MS) return
    this.warnedAt = now
    process.emitWarning(`the discovery source ${this.init.source.name} ${what}`, 'GateletWarning')
  }
}

const WARN_EVERY_MS = 60_000

function reasonOf(reason: unknown): string {
  if (reason instanceof Error) return reason.message
  return typeof reason === 'string' ? reason : 'something that is no error was thrown'
}
