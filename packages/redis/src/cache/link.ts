import type { Clock } from '@gatelet/core'
import { Asking, Breaker, type BreakerOptions } from '@gatelet/rate-limiter/toolkit'
import { type RedisClient, type Server, serverOf } from '../client.ts'
import { hearErrors } from '../client-errors.ts'
import type { Script } from '../scripts/script.ts'

/** How long Redis may take, in milliseconds, and when it is left alone. */
export interface LinkInit {
  readonly timeoutMs: number
  readonly writeTimeoutMs: number
  readonly breaker: BreakerOptions
  readonly clock: Clock
}

/** The way to Redis: for a bounded time, and not while it is known to be away. All reject with `STORE_TIMEOUT`, `STORE_UNAVAILABLE`. */
export class Link {
  private readonly server: Server
  private readonly breaker: Breaker
  private readonly reading: Asking
  private readonly writing: Asking

  constructor(client: RedisClient, { timeoutMs, writeTimeoutMs, breaker, clock }: LinkInit) {
    hearErrors(client)
    this.server = serverOf(client)
    this.breaker = new Breaker({ store: 'redis', clock, options: breaker })
    const asking = { store: 'redis', clock, breaker: this.breaker, isReady: () => this.server.isReady() }
    this.reading = new Asking({ ...asking, timeoutMs })
    this.writing = new Asking({ ...asking, timeoutMs: writeTimeoutMs })
  }

  get isAvailable(): boolean {
    return !this.breaker.isOpen && this.server.isReady()
  }

  /** Looks something up that somebody waits for. */
  ask(send: (server: Server) => Promise<unknown>, signal?: AbortSignal): Promise<unknown> {
    return this.reading.ask({ send: () => send(this.server), read: (answer) => answer, signal })
  }

  /** The same for what changes something: no reply waits for it. */
  tell(send: (server: Server) => Promise<unknown>): Promise<unknown> {
    return this.writing.ask({ send: () => send(this.server), read: (answer) => answer })
  }

  /** Runs a script that changes something. */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.tell((server) => script.run(server, keys, args))
  }
}
