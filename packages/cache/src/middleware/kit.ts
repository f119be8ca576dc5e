import {
  type Context,
  type Handler,
  type HeaderList,
  isHeard,
  options,
  publish,
  type Reply,
  type RequestUrl,
} from '@gatelet/core'
import { addCacheStatus, type CacheStatus } from '../policy/cache-status.ts'
import { keyOf } from '../policy/key.ts'
import type { Answer, StoredMeta } from '../policy/types.ts'
import type { PurgeSelector, StoredEntry } from '../store.ts'
import type { CacheStats } from './control.ts'
import { Flights } from './flights.ts'
import { GuardedStore, type StoreOperation } from './guarded-store.ts'
import { Marks } from './marks.ts'
import type { Settings } from './options.ts'
import { SearchRules } from './search-rules.ts'
import type { Holding } from './shared-body.ts'
import { storedReply } from './stored-reply.ts'
import { tagOfKey } from './tags.ts'

/** How a request was answered. */
type CacheResult = 'hit' | 'stale' | 'revalidated' | 'miss' | 'bypass'

/** One request that was looked up. */
export interface Ask<S extends object> {
  readonly ctx: Context<S>
  readonly next: Handler<S>
  readonly key: string
  readonly partition: string | undefined
  readonly entries: readonly StoredEntry[]
}

/** What is said of an answer. */
export interface Told {
  readonly result: CacheResult
  readonly detail?: string | undefined
  /** Of the body, where they are known. */
  readonly bytes?: number | undefined
  readonly isCollapsed?: boolean
}

/** What the parts of one cache share. */
export class Kit<S extends object> {
  readonly settings: Settings<S>
  readonly store: GuardedStore
  readonly flights: Flights
  /** Keys whose replies turned out to be for one client only. */
  private readonly lone: Marks
  // What could not be asked about a moment ago.
  private readonly unrefreshed: Marks
  readonly refreshing: Set<string> = new Set()
  readonly rules: SearchRules = new SearchRules()
  readonly holding: Holding
  private readonly counts = { hit: 0, stale: 0, revalidated: 0, miss: 0, bypass: 0, collapsed: 0, stored: 0, failures: 0 }

  constructor(settings: Settings<S>) {
    const { collapse, clock } = settings
    this.settings = settings
    this.store = new GuardedStore(settings.store, settings.storeTimeoutMs, clock, (operation, error) =>
      this.storeFailed(operation, error),
    )
    this.flights = new Flights(settings.maxVariants)
    this.lone = new Marks(10_000)
    this.unrefreshed = new Marks(10_000)
    this.holding = {
      maxBytes: settings.maxEntryBytes,
      total: { bytes: 0, maxBytes: collapse?.maxBytes ?? 0 },
      stuckMs: collapse?.waitMs ?? 10_000,
      setTimer: (task, delayMs) => clock.setTimer(task, delayMs),
    }
  }

  keyOf(url: RequestUrl, partition: string | undefined): string {
    return keyOf(url, this.settings.policy, partition, this.rules.get(url))
  }

  /** The key of a URL for whomever, as tags name it. */
  tagOf(url: RequestUrl): string {
    return tagOfKey(this.keyOf(url, undefined))
  }

  /** A reply of what is stored; undefined when the store does not give what its meta data say. */
  replyOf(answer: Answer, entry: StoredEntry, meta: StoredMeta): Reply | undefined {
    try {
      return storedReply(answer, entry, meta, this.settings.clock)
    } catch (error) {
      this.storeFailed('body', error)
      return undefined
    }
  }

  /** Whom a reply is for, where that matters. @throws GatewayError `BAD_OPTION` for what is no text: nobody would be everybody */
  partitionOf(ctx: Context<S>): string | undefined {
    const { per } = this.settings
    if (!per) return undefined
    const partition: unknown = per(ctx)
    if (typeof partition !== 'string' || partition === '') throw options.wrong(partition, 'per', 'a function that gives a text')
    return partition
  }

  /** It could not be asked about: what is stale is given for a moment, and nobody asks. */
  letRest(key: string, { variant }: StoredEntry): void {
    this.unrefreshed.set(placeOf(key, variant), this.settings.clock.now() + restMs)
  }

  isResting(key: string, { variant }: StoredEntry): boolean {
    return this.unrefreshed.has(placeOf(key, variant), this.settings.clock.now())
  }

  /** The next requests for it do not wait for each other. */
  markLone(ask: Ask<S>): void {
    const { collapse, clock } = this.settings
    if (collapse) this.lone.set(markOf(ask), clock.now() + collapse.hitForMissMs)
  }

  unmarkLone(ask: Ask<S>): void {
    this.lone.delete(markOf(ask))
  }

  isLone(ask: Ask<S>): boolean {
    return this.lone.has(markOf(ask), this.settings.clock.now())
  }

  addStatus(headers: HeaderList, status: CacheStatus): void {
    addCacheStatus(headers, status, this.settings.policy)
  }

  tell({ ctx }: { readonly ctx: Context<S> }, { result, detail, bytes, isCollapsed = false }: Told): void {
    this.counts[result]++
    if (isCollapsed) this.counts.collapsed++
    if (!isHeard('cache:answered')) return
    const cache = this.settings.policy.label
    publish('cache:answered', { context: ctx, cache, result, detail, bytes, isCollapsed })
  }

  tellStored(url: string, bytes: number): void {
    this.counts.stored++
    publish('cache:stored', { cache: this.settings.policy.label, url, bytes })
  }

  /** What is stored for a URL, for whomever, is of the past. */
  async invalidate(url: RequestUrl): Promise<void> {
    const selectors = this.outdate({ key: keyOf(url, this.settings.policy) })
    await Promise.all(selectors.map((selector) => this.store.purge(selector)))
  }

  /**
   * What is under way may bring what a purge is to remove.
   * @returns what a store must purge for it
   */
  outdate(selector: PurgeSelector): readonly PurgeSelector[] {
    if ('key' in selector) return this.keysLike(selector.key).map((key) => this.outdateKey(key))
    this.flights.outdate(selector)
    return [selector]
  }

  private outdateKey(key: string): PurgeSelector {
    const isPartitioned = this.settings.per !== undefined
    this.flights.outdate(isPartitioned ? { prefix: `${key} ` } : { key })
    // All who may be given replies of a key have a part of their own.
    return isPartitioned ? { tag: tagOfKey(key) } : { key }
  }

  // A `No-Vary-Search` comes and goes: what was stored, or is asked for, without it counts as well.
  private keysLike(key: string): readonly string[] {
    const known = this.rules.applied(key, this.settings.policy.query)
    return known === key ? [key] : [key, known]
  }

  private storeFailed(operation: StoreOperation, error: unknown): void {
    this.counts.failures++
    publish('cache:store-failed', { cache: this.settings.policy.label, operation, error })
  }

  stats(): CacheStats {
    const { hit, stale, revalidated, miss, bypass, collapsed, stored, failures } = this.counts
    const answered = { hits: hit, stale, revalidated, misses: miss, bypassed: bypass, collapsed }
    return { ...answered, stored, storeFailures: failures, inFlight: this.flights.size }
  }
}

const restMs = 1_000

/** One entry of a key, for what is known of it. No key has two spaces. */
export const placeOf = (key: string, variant: string): string => `${key}  ${variant}`

// Whether a reply is for many may hang on cookies, not on what else one asks with.
const markOf = <S extends object>({ ctx, key }: Ask<S>): string => (ctx.request.headers.has('cookie') ? `${key} cookie` : key)
