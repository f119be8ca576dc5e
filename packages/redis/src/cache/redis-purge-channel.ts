import { randomUUID } from 'node:crypto'
import type { PurgeChannel, PurgeListener, PurgeSelector } from '@gatelet/cache'
import { type Checks, checkOptions, options } from '@gatelet/core'
import { type RedisClient, redisClient, type Server, serverOf } from '../client.ts'
import { hearErrors } from '../client-errors.ts'
import { type RedisSubscriber, redisSubscriber, subscribed } from './subscriber.ts'

/** How purges are told through Redis. */
export interface RedisPurgeChannelOptions {
  /** The name of the channel. Default: `gatelet:purges`. */
  name?: string
}

/** A channel of purges through Redis. */
export interface RedisPurgeChannel extends PurgeChannel {
  /** Hears no more. Both clients stay open: they are yours. */
  close(): Promise<void>
}

/**
 * Tells processes of each other's purges by Redis (pub/sub), for `tiered`. Messages are lost while a connection is cut: the near
 * store is emptied when that is noticed, and again when messages are known to come once more.
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
  const { name = 'gatelet:purges' } = checkOptions('redisPurgeChannel', given, checks)
  return new ChannelInRedis(redisClient(client, 'client'), redisSubscriber(subscriber, 'subscriber'), name)
}

const checks: Checks<RedisPurgeChannelOptions> = { name: options.optional(options.string) }

const ASK_EVERY_MS = 200

class ChannelInRedis implements RedisPurgeChannel {
  private readonly server: Server
  private readonly name: string
  private readonly id = randomUUID()
  private readonly listeners = new Set<PurgeListener>()
  private readonly subscription: { close(): Promise<void> }
  private asking: NodeJS.Timeout | undefined
  private live = false
  // One for each time that it was cut: an answer to an earlier one says nothing.
  private times = 0

  constructor(client: RedisClient, subscriber: RedisSubscriber, name: string) {
    this.name = name
    this.server = serverOf(client)
    hearErrors(client)
    hearErrors(subscriber as unknown as RedisClient)
    this.subscription = subscribed(subscriber, name, { message: (text) => this.hear(text), cut: () => this.cut() })
    this.cut()
  }

  get isLive(): boolean {
    return this.live
  }

  async publish(selector: PurgeSelector, soft: boolean): Promise<void> {
    await this.send({ selector, soft })
  }

  subscribe(listener: PurgeListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async close(): Promise<void> {
    clearInterval(this.asking)
    this.live = false
    await this.subscription.close()
  }

  private cut(): void {
    this.live = false
    this.times++
    this.tellLost()
    if (this.asking) return
    // Only a message that came shows that messages come.
    this.asking = setInterval(() => void this.ask(), ASK_EVERY_MS)
    this.asking.unref()
    void this.ask()
  }

  private async ask(): Promise<void> {
    // One that cannot be sent is sent again.
    if (this.server.isReady()) await this.send({ hello: this.times }).catch(() => {})
  }

  private async send(message: object): Promise<void> {
    await this.server.send('PUBLISH', this.name, [JSON.stringify({ from: this.id, ...message })])
  }

  private hear(text: string): void {
    const { from, hello, selector, soft } = parsed(text)
    if (from !== this.id) {
      if (isSelector(selector)) for (const listener of this.listeners) listener.purged(selector, soft === true)
    } else if (hello === this.times && !this.live) {
      clearInterval(this.asking)
      this.asking = undefined
      this.live = true
      this.tellLost()
    }
  }

  private tellLost(): void {
    for (const listener of this.listeners) listener.lost()
  }
}

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
