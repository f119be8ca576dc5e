import { type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import type { RateRequest, RateStore, RateVerdict } from '@gatelet/rate-limiter'
import { Asking } from './asking.ts'
import { Breaker, type BreakerOptions, breakerChecks } from './breaker.ts'
import { isCluster, type RedisClient, redisClient, type Scripting, scriptingOf } from './client.ts'
import { hearErrors } from './client-errors.ts'
import { Denials } from './denials.ts'
import { Encoder } from './encoding.ts'
import { takeInParts } from './parts.ts'
import { giveScript } from './scripts/give.ts'
import { takeScript } from './scripts/take.ts'
import { verdictsIn } from './verdicts.ts'

/** How counts are kept in Redis, and what happens when it is slow or away. */
export interface RedisRateStoreOptions {
  /** Before each key, so that two applications can share a Redis. No braces. Default: `gatelet:rate:`. */
  prefix?: string
  /**
   * How long a decision may take, in milliseconds; then the limiter goes by its `onStoreError`. As many decisions wait as come
   * in that time. Default: 50.
   */
  timeoutMs?: number
  /** When a Redis that fails is left alone, and for how long. */
  breaker?: BreakerOptions
  /**
   * How long a slot of a `concurrency` rule is held for a process that has died, in milliseconds, at least 1,000. The limiter
   * renews it while its request lasts. Default: 60,000.
   */
  leaseMs?: number
  /**
   * For a cluster: the hash tag of all keys, so that one node decides about any rules together. Default: counts of the same
   * key are on one node, and a decision over several keys asks several nodes; see the README.
   */
  tag?: string
  /**
   * How many keys are remembered as over their limit, 0 to a million: until they may come again, they are refused without
   * asking. What another process gives back in that time is not noticed. 0 asks always. Default: 10,000.
   */
  maxDenied?: number
  /** Default: the machine's. For deadlines only: counts go by the clock of Redis. */
  clock?: Clock
}

/** A store of rate limits in Redis or Valkey. */
export interface RedisRateStore extends RateStore {
  take(requests: readonly RateRequest[], signal?: AbortSignal): Promise<readonly RateVerdict[]> | readonly RateVerdict[]
  give(requests: readonly RateRequest[]): Promise<void>
  readonly leaseMs: number
  /** Whether it answers, as far as is known. For a health check: requests go by `onStoreError` while it does not. */
  readonly isAvailable: boolean
}

/**
 * Counts in Redis (6.2 or later) or Valkey, shared by all processes that use it: exact, since one script decides about all
 * rules of a request, by the clock of Redis, in one round trip. Counts that have refilled expire by themselves.
 *
 * The client is yours: you connect and close it. Its errors never end the process.
 * @param client of node-redis 5 or 6, ioredis 5 or 6, or iovalkey; for one server or for a cluster
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const client = await createClient({ url: 'redis://10.0.0.5' }).connect()
 * const layer = rateLimit({ limit: 100, per: '1m', store: redisRateStore(client) })
 */
export function redisRateStore(client: RedisClient, given: RedisRateStoreOptions = {}): RedisRateStore {
  const { clock = systemClock, ...checked } = checkOptions('redisRateStore', given, checks)
  return new CountsInRedis(redisClient(client, 'client'), { clock, ...checked })
}

class CountsInRedis implements RedisRateStore {
  readonly leaseMs: number
  private readonly clock: Clock
  private readonly server: Scripting
  private readonly encoder: Encoder
  private readonly breaker: Breaker
  private readonly asking: Asking
  private readonly denials: Denials
  private readonly isSplit: boolean

  constructor(client: RedisClient, given: RedisRateStoreOptions & { readonly clock: Clock }) {
    const { prefix = 'gatelet:rate:', timeoutMs = 50, leaseMs = 60_000, tag, maxDenied = 10_000, clock } = given
    this.leaseMs = leaseMs
    this.clock = clock
    hearErrors(client)
    this.server = scriptingOf(client)
    this.encoder = new Encoder({ prefix, tag, leaseMs })
    this.breaker = new Breaker({ store: 'redis', clock, options: given.breaker ?? {} })
    this.asking = new Asking({ store: 'redis', clock, timeoutMs, breaker: this.breaker, isReady: () => this.server.isReady() })
    this.denials = new Denials(maxDenied)
    this.isSplit = isCluster(client) && tag === undefined
  }

  get isAvailable(): boolean {
    return !this.breaker.isOpen && this.server.isReady()
  }

  take(requests: readonly RateRequest[], signal?: AbortSignal): Promise<readonly RateVerdict[]> | readonly RateVerdict[] {
    const keys = this.encoder.keys(requests)
    const now = this.clock.now()
    const known = this.denials.find(keys, requests, now)
    if (known) return known
    const parts = this.parts(requests)
    return parts ? this.takeInParts(requests, parts, signal) : this.takeAtOnce(requests, keys, signal)
  }

  async give(requests: readonly RateRequest[]): Promise<void> {
    this.denials.forget(this.encoder.keys(requests))
    await Promise.all((this.parts(requests) ?? [requests]).map((part) => this.giveAtOnce(part)))
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
    const leases = requests.filter(({ rule }) => rule.algorithm === 'concurrency')
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

const { clock, milliseconds, number, optional, shape, string, wrong } = options

const checks: Checks<RedisRateStoreOptions> = {
  prefix: optional((value, path) => withoutBraces(value, path)),
  timeoutMs: optional(milliseconds()),
  breaker: optional(shape(breakerChecks)),
  leaseMs: optional(milliseconds(1_000)),
  tag: optional((value, path) => withoutBraces(string(value, path), path)),
  maxDenied: optional(number({ min: 0, max: 1_000_000, integer: true })),
  clock: optional(clock),
}

/** Braces mark what of a key decides about its slot. */
function withoutBraces(value: unknown, path: string): string {
  if (typeof value !== 'string' || /[{}]/.test(value)) throw wrong(value, path, 'a string without braces')
  return value
}
