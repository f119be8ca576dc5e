import { type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import { Asking, Breaker, type BreakerOptions, breakerChecks } from '@gatelet/rate-limiter/toolkit'
import { type RedisClient, redisClient, type Server, serverOf, textOf } from '../client.ts'
import { hearErrors } from '../client-errors.ts'

/** How Redis is asked on behalf of `auth`, and what happens when it is slow or away. */
export interface RedisAuthOptions {
  /** Before each key, so that two applications can share a Redis. Default: `gatelet:api-key:`, `gatelet:used:`. */
  prefix?: string
  /**
   * How long an answer may take, in milliseconds; then the client is answered 503. As many requests wait as come in that time. Default:
   * 250, more than for limits, since nobody answers in its place.
   */
  timeoutMs?: number
  /** When a Redis that fails is left alone, and for how long. */
  breaker?: BreakerOptions
  /** Default: the machine's. */
  clock?: Clock
}

const { optional } = options

const checks: Checks<RedisAuthOptions> = {
  prefix: optional((value, path) => {
    if (typeof value === 'string') return value
    throw options.wrong(value, path, 'a string')
  }),
  timeoutMs: optional(options.milliseconds()),
  breaker: optional(options.shape(breakerChecks)),
  clock: optional(options.clock),
}

/** Values by their ids, each looked at by one command: for a bounded time, and not while Redis is known to be away. */
export class KeptInRedis {
  readonly clock: Clock
  private readonly prefix: string
  private readonly server: Server
  private readonly breaker: Breaker
  private readonly asking: Asking

  /** @throws GatewayError `BAD_OPTION` */
  constructor(owner: string, client: RedisClient, ownPrefix: string, given: RedisAuthOptions | undefined) {
    const { prefix = ownPrefix, timeoutMs = 250, breaker = {}, clock = systemClock } = checkOptions(owner, given, checks)
    this.prefix = prefix
    this.clock = clock
    this.server = serverOf(redisClient(client, 'client'))
    hearErrors(client)
    this.breaker = new Breaker({ store: 'redis', clock, options: breaker })
    this.asking = new Asking({ store: 'redis', clock, timeoutMs, breaker: this.breaker, isReady: () => this.server.isReady() })
  }

  get isAvailable(): boolean {
    return !this.breaker.isOpen && this.server.isReady()
  }

  /**
   * @param read what the answer means; throws for what Redis never answers
   * @throws GatewayError `STORE_TIMEOUT`, `STORE_UNAVAILABLE`
   */
  ask<T>(command: string, id: string, args: readonly string[], read: (reply: unknown) => T): Promise<T> {
    return this.asking.ask({
      send: () => this.server.send(command, `${this.prefix}${id}`, args),
      read: (reply) => read(textOf(reply)),
    })
  }
}
