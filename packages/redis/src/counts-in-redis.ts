import type { Clock, MaybePromise } from '@gatelet/core'
import type { RateRequest, RateStore, RateVerdict } from '@gatelet/rate-limiter'
import { Asking, Breaker, newLeases } from '@gatelet/rate-limiter/toolkit'
import { isCluster, type RedisClient, type Server, serverOf } from './client.ts'
import { hearErrors } from './client-errors.ts'
import { Denials } from './denials.ts'
import { Encoder } from './encoding.ts'
import { Leasing } from './leasing.ts'
import { takeInParts } from './parts.ts'
import type { RedisRateStore, RedisRateStoreOptions } from './redis-rate-store.ts'
import { giveScript } from './scripts/give.ts'
import { takeScript } from './scripts/take.ts'
import { verdictsIn } from './verdicts.ts'

/** A store whose counts are in Redis; see `redisRateStore`. */
export class CountsInRedis implements RedisRateStore {
  readonly leaseMs: number
  private readonly clock: Clock
  private readonly server: Server
  private readonly encoder: Encoder
  private readonly breaker: Breaker
  private readonly asking: Asking
  private readonly denials: Denials
  private readonly leasing: Leasing | undefined
  private readonly isSplit: boolean

  constructor(client: RedisClient, given: RedisRateStoreOptions & { readonly clock: Clock }) {
    const { prefix = 'gatelet:rate:', timeoutMs = 50, leaseMs = 60_000, tag, lease, maxDenied = 10_000, clock } = given
    this.leaseMs = leaseMs
    this.clock = clock
    hearErrors(client)
    this.server = serverOf(client)
    this.encoder = new Encoder({ prefix, tag, leaseMs })
    this.breaker = new Breaker({ store: 'redis', clock, options: given.breaker ?? {} })
    this.asking = new Asking({ store: 'redis', clock, timeoutMs, breaker: this.breaker, isReady: () => this.server.isReady() })
    this.denials = new Denials(maxDenied)
    this.leasing = lease && new Leasing({ store: this.exact(), clock, options: lease, idOf: (requests) => this.idOf(requests) })
    this.isSplit = isCluster(client) && tag === undefined
  }

  get isAvailable(): boolean {
    return !this.breaker.isOpen && this.server.isReady()
  }

  take(requests: readonly RateRequest[], signal?: AbortSignal): MaybePromise<readonly RateVerdict[]> {
    if (requests.length === 0) return []
    return this.leasing ? this.leasing.take(requests, signal) : this.takeNow(requests, signal)
  }

  async give(requests: readonly RateRequest[]): Promise<void> {
    if (requests.length === 0) return
    this.denials.forget(this.encoder.keys(requests))
    await Promise.all((this.parts(requests) ?? [requests]).map((part) => this.giveAtOnce(part)))
  }

  async close(): Promise<void> {
    await this.leasing?.close()
  }

  private exact(): RateStore {
    return { take: (requests, signal) => this.takeNow(requests, signal), give: (requests) => this.give(requests) }
  }

  private idOf(requests: readonly RateRequest[]): string {
    return [...this.encoder.keys(requests), ...this.encoder.takeArguments(requests)].join('\n')
  }

  private takeNow(requests: readonly RateRequest[], signal: AbortSignal | undefined): MaybePromise<readonly RateVerdict[]> {
    const keys = this.encoder.keys(requests)
    const known = this.denials.find(keys, requests, this.clock.now())
    if (known) return known
    const parts = this.parts(requests)
    return parts ? this.takeInParts(requests, parts, signal) : this.takeAtOnce(requests, keys, signal)
  }

  private takeInParts(requests: readonly RateRequest[], parts: Parts, signal?: AbortSignal): Promise<readonly RateVerdict[]> {
    return takeInParts(requests, parts, {
      take: (part) => this.takeAtOnce(part, this.encoder.keys(part), signal),
      give: (part) => this.giveAtOnce(part),
    })
  }

  private takeAtOnce(
    requests: readonly RateRequest[],
    keys: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly RateVerdict[]> {
    const askedAt = this.clock.now()
    return this.asking.ask({
      send: () => takeScript.run(this.server, keys, this.encoder.takeArguments(requests)),
      read: (reply) => {
        const verdicts = verdictsIn(reply, requests)
        this.denials.remember(keys, requests, verdicts, askedAt)
        return verdicts
      },
      onLate: () => this.endLeases(requests),
      signal,
    })
  }

  private giveAtOnce(requests: readonly RateRequest[]): Promise<void> {
    const [keys, args] = [this.encoder.keys(requests), this.encoder.giveArguments(requests)]
    return this.asking.ask({ send: () => giveScript.run(this.server, keys, args), read() {} })
  }

  // Whoever asked has gone on without: nobody else would end them. Units that were taken stay taken.
  private endLeases(requests: readonly RateRequest[]): void {
    const leases = newLeases(requests)
    // One that cannot be ended ends by itself.
    if (leases.length > 0) void this.giveAtOnce(leases).catch(() => {})
  }

  /** The requests by their places, each of which has a script of its own; undefined when one script sees all. */
  private parts(requests: readonly RateRequest[]): Parts | undefined {
    const key = requests[0]?.key
    if (!this.isSplit || requests.every((request) => request.key === key)) return undefined
    const byKey = new Map<string, RateRequest[]>()
    for (const request of requests) {
      const part = byKey.get(request.key)
      if (part) part.push(request)
      else byKey.set(request.key, [request])
    }
    return [...byKey.values()]
  }
}

type Parts = readonly (readonly RateRequest[])[]
