import { randomUUID } from 'node:crypto'
import type { PurgeChannel, PurgeListener, PurgeSelector } from '@gatelet/cache'
import { type Checks, type Clock, checkOptions, GatewayError, options, systemClock } from '@gatelet/core'
import { type RedisClient, redisClient, type Server, serverOf } from '../client.ts'
import { hearErrors } from '../client-errors.ts'
import type { OwedPurge } from './owed-purges.ts'
import { Settling } from './settling.ts'
import { type RedisSubscriber, redisSubscriber, subscribed } from './subscriber.ts'

/** How purges are told through Redis. */
export interface RedisPurgeChannelOptions {
  /** The name of the channel. Default: `gatelet:purges`. */
  name?: string
  /** How long Redis may take to pass a message on, in milliseconds; then it is sent again. Default: 1,000. */
  timeoutMs?: number
  /** Default: the machine's. */
  clock?: Clock
}

/** A channel of purges through Redis. */
export interface RedisPurgeChannel extends PurgeChannel {
  /** Hears no more, and sends no more. Both clients stay open: they are yours. */
  close(): Promise<void>
}

/**
 * Tells processes of each other's purges by Redis (pub/sub), for `tiered`. Messages are lost while a connection is cut: the near
 * store is emptied when that is noticed, within 4 s also where nobody tells, and again when messages are known to come once more.
 * A message that cannot be sent is sent again until it is; at most 1,000 wait so: beyond, the others are told that all is purged.
 *
 * Whoever may publish in this Redis may purge.
 * @param client sends
 * @param subscriber a connection of its own: `client.duplicate()`, connected; its errors never end the process
 * @throws GatewayError `BAD_OPTION`
 * @example tiered(near, far, { channel: redisPurgeChannel(client, await client.duplicate().connect()) })
 */
export function redisPurgeChannel(
  client: RedisClient,
  subscriber: RedisSubscriber,
  given: RedisPurgeChannelOptions = {},
): RedisPurgeChannel {
  const checked = checkOptions('redisPurgeChannel', given, checks)
  return new ChannelInRedis(redisClient(client, 'client'), redisSubscriber(subscriber, 'subscriber'), {
    name: checked.name ?? 'gatelet:purges',
    timeoutMs: checked.timeoutMs ?? 1_000,
    clock: checked.clock ?? systemClock,
  })
}

const { clock, milliseconds, optional, string } = options

const checks: Checks<RedisPurgeChannelOptions> = {
  name: optional(string),
  timeoutMs: optional(milliseconds()),
  clock: optional(clock),
}

const ASK_EVERY_MS = 200

/** How often a channel that is silent asks whether messages come, in milliseconds; after `MAX_SILENT` in vain they do not. */
const BEAT_MS = 1_000
const MAX_SILENT = 3

class ChannelInRedis implements RedisPurgeChannel {
  private readonly server: Server
  private readonly init: Required<RedisPurgeChannelOptions>
  private readonly messages: Settling<void>
  private readonly id = randomUUID()
  private readonly listeners = new Set<PurgeListener>()
  private readonly subscription: { close(): Promise<void> }
  private cancelBeat: (() => void) | undefined
  private live = false
  // Beats in which nothing was heard.
  private silent = 0
  // One for each time that it was cut: an answer to an earlier one says nothing.
  private times = 0

  constructor(client: RedisClient, subscriber: RedisSubscriber, init: Required<RedisPurgeChannelOptions>) {
    this.init = init
    this.server = serverOf(client)
    hearErrors(client)
    hearErrors(subscriber as unknown as RedisClient)
    this.messages = new Settling({ clock: init.clock, work: (purge) => this.tell(purge) })
    this.subscription = subscribed(subscriber, init.name, { message: (text) => this.hear(text), cut: () => this.cut() })
    this.cut()
  }

  get isLive(): boolean {
    return this.live
  }

  publish(selector: PurgeSelector, soft: boolean): Promise<void> {
    return this.messages.purge(selector, soft ? this.init.clock.date() : undefined)
  }

  subscribe(listener: PurgeListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.cancelBeat?.()
    this.live = false
    this.messages.close()
    await this.subscription.close()
  }

  private cut(): void {
    this.live = false
    this.times++
    this.tellLost()
    this.cancelBeat?.()
    this.beat()
  }

  // Only a message that came shows that messages come: a connection may be dead without anybody having told.
  private beat(): void {
    if (this.live && ++this.silent > MAX_SILENT) {
      this.cut()
      return
    }
    const asks = !this.live || this.silent > 1
    // One that cannot be sent is sent again.
    if (asks && this.server.isReady()) this.send({ hello: this.times }).catch(() => {})
    this.cancelBeat = this.init.clock.setTimer(() => this.beat(), this.live ? BEAT_MS : ASK_EVERY_MS)
  }

  private tell({ selector, softAt }: OwedPurge): Promise<void> {
    const { clock, timeoutMs } = this.init
    // What a client has no connection for would wait in it, for as long as it likes.
    if (!this.server.isReady()) return Promise.reject(away('STORE_UNAVAILABLE', 'there is no connection'))
    return new Promise((resolve, reject) => {
      const cancel = clock.setTimer(() => reject(away('STORE_TIMEOUT', `no answer within ${timeoutMs} ms`)), timeoutMs)
      this.send({ selector, soft: softAt !== undefined })
        .then(resolve, (cause: unknown) => reject(away('STORE_UNAVAILABLE', 'a purge could not be told', cause)))
        .finally(cancel)
    })
  }

  private async send(message: object): Promise<void> {
    await this.server.send('PUBLISH', this.init.name, [JSON.stringify({ from: this.id, ...message })])
  }

  private hear(text: string): void {
    this.silent = 0
    const { from, hello, selector, soft } = parsed(text)
    if (from !== this.id) {
      if (isSelector(selector)) for (const listener of this.listeners) listener.purged(selector, soft === true)
    } else if (hello === this.times && !this.live) {
      this.live = true
      this.tellLost()
    }
  }

  private tellLost(): void {
    for (const listener of this.listeners) listener.lost()
  }
}

const away = (code: 'STORE_UNAVAILABLE' | 'STORE_TIMEOUT', what: string, cause?: unknown) =>
  new GatewayError(code, { message: `redis: ${what}`, cause })

function parsed(text: string): { from?: unknown; hello?: unknown; selector?: unknown; soft?: unknown } {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

function isSelector(value: unknown): value is PurgeSelector {
  if (typeof value !== 'object' || value === null) return false
  const { key, prefix, tag, all } = value as Record<string, unknown>
  return all === true || [key, prefix, tag].some((text) => typeof text === 'string')
}
