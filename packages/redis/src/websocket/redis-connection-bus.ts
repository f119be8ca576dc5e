import { randomUUID } from 'node:crypto'
import { type Checks, type Clock, checkOptions, GatewayError, options, systemClock } from '@gatelet/core'
import type { ConnectionAnswer, ConnectionBus, ConnectionOrder, OrderTaker } from '@gatelet/websocket'
import { type RedisSubscriber, redisSubscriber, subscribed } from '../cache/subscriber.ts'
import { isCluster, type RedisClient, redisClient, type Server, serverOf } from '../client.ts'
import { hearErrors } from '../client-errors.ts'

/** How orders for connections go through Redis. */
export interface RedisConnectionBusOptions {
  /** What the names of its channels begin with. Default: `gatelet:connections`. */
  prefix?: string
  /** How long the other process has to answer, 1 to 60,000 milliseconds. Default 1,000. */
  timeoutMs?: number
  /** Orders that wait for their answer, beyond which more are refused (`QUEUE_FULL`). Default 10,000. */
  maxPending?: number
  /** Default: the machine's. */
  clock?: Clock
}

/** A bus through Redis. */
export interface RedisConnectionBus extends ConnectionBus {
  /** Hears no more; what still waits fails. Both clients stay open: they are yours. */
  close(): Promise<void>
}

/**
 * Lets processes reach each other's WebSockets by Redis (pub/sub), for `createWebSocketApi`. Each process has a channel of its own, so
 * a message travels to the one that has the connection, and to no other. A process that is gone is known by its channel, to which nobody
 * listens; so is one whose subscriber has just lost Redis, as long as that lasts. In a cluster that cannot be told, and the order fails
 * by its time.
 *
 * Whoever may publish in this Redis may speak to every client.
 * @param client sends
 * @param subscriber a connection of its own: `client.duplicate()`, connected; its errors never end the process
 * @throws GatewayError `BAD_OPTION`
 * @example createWebSocketApi({ bus: redisConnectionBus(client, await client.duplicate().connect()), routes })
 */
export function redisConnectionBus(
  client: RedisClient,
  subscriber: RedisSubscriber,
  given: RedisConnectionBusOptions = {},
): RedisConnectionBus {
  const settings = { ...defaults, ...checkOptions('redisConnectionBus', given, checks) }
  return new BusInRedis(redisClient(client, 'client'), redisSubscriber(subscriber, 'subscriber'), settings)
}

const { clock, number, optional, string } = options

const checks: Checks<RedisConnectionBusOptions> = {
  prefix: optional(string),
  timeoutMs: optional(number({ min: 1, max: 60_000, unit: 'milliseconds' })),
  maxPending: optional(number({ min: 1, max: 1_000_000, integer: true })),
  clock: optional(clock),
}

const defaults = { prefix: 'gatelet:connections', timeoutMs: 1_000, maxPending: 10_000, clock: systemClock }

type Settings = Required<RedisConnectionBusOptions>

interface Pending {
  answered(answer: ConnectionAnswer): void
  failed(error: GatewayError): void
}

class BusInRedis implements RedisConnectionBus {
  private readonly server: Server
  private readonly subscriber: RedisSubscriber
  private readonly isCluster: boolean
  private readonly settings: Settings
  private readonly inbox = randomUUID()
  private readonly pending = new Map<string, Pending>()
  private readonly subscriptions = new Set<{ close(): Promise<void> }>()
  private ready: Promise<void> | undefined

  constructor(client: RedisClient, subscriber: RedisSubscriber, settings: Settings) {
    this.server = serverOf(client)
    this.isCluster = isCluster(client)
    this.subscriber = subscriber
    this.settings = settings
    hearErrors(client)
    hearErrors(subscriber as unknown as RedisClient)
  }

  async serve(node: string, take: OrderTaker): Promise<() => Promise<void>> {
    const subscription = this.listen(node, (text) => void this.take(text, take))
    const end = async () => {
      this.subscriptions.delete(subscription)
      await subscription.close()
    }
    try {
      // An id may be told to others from now on, so orders must arrive.
      await this.reach(node)
      return end
    } catch (error) {
      await end()
      throw error
    }
  }

  async ask(node: string, order: ConnectionOrder): Promise<ConnectionAnswer | undefined> {
    await this.listening()
    return this.exchange(node, order)
  }

  async close(): Promise<void> {
    for (const { failed } of [...this.pending.values()]) failed(away('the bus was closed'))
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()))
    this.subscriptions.clear()
  }

  /** Answers can be heard. */
  private listening(): Promise<void> {
    this.ready ??= this.openInbox().catch((error: unknown) => {
      this.ready = undefined
      throw error
    })
    return this.ready
  }

  private async openInbox(): Promise<void> {
    const subscription = this.listen(this.inbox, (text) => this.hear(text))
    try {
      await this.reach(this.inbox)
    } catch (error) {
      this.subscriptions.delete(subscription)
      await subscription.close()
      throw error
    }
  }

  private listen(name: string, message: (text: string) => void): { close(): Promise<void> } {
    const subscription = subscribed(this.subscriber, this.channelOf(name), { message, cut() {} })
    this.subscriptions.add(subscription)
    return subscription
  }

  /** Waits until a message to a channel of ours comes back: only that shows that we are heard. */
  private async reach(name: string): Promise<void> {
    const { clock, timeoutMs } = this.settings
    const id = randomUUID()
    const until = clock.now() + timeoutMs
    let isThere = false
    const heard = this.wait(id).then(() => {
      isThere = true
    })
    heard.catch(() => {})
    while (!isThere && clock.now() < until) {
      await this.publish(name, { hello: id })
      await Promise.race([heard, pause(clock, ASK_EVERY_MS)])
    }
    await heard
  }

  private async exchange(node: string, order: ConnectionOrder): Promise<ConnectionAnswer | undefined> {
    if (this.pending.size >= this.settings.maxPending) throw new GatewayError('QUEUE_FULL')
    const id = randomUUID()
    const answer = this.wait(id)
    // Told below, when it is waited for.
    answer.catch(() => {})
    try {
      const heardBy = await this.publish(node, { id, replyTo: this.inbox, order })
      return heardBy === 0 && !this.isCluster ? undefined : await answer
    } finally {
      this.pending.get(id)?.failed(away('nobody waits any more'))
    }
  }

  private wait(id: string): Promise<ConnectionAnswer> {
    const { clock, timeoutMs } = this.settings
    return new Promise((resolve, reject) => {
      const ended = () => {
        stop()
        this.pending.delete(id)
      }
      const failed = (error: GatewayError) => {
        ended()
        reject(error)
      }
      const stop = clock.setTimer(() => failed(new GatewayError('STORE_TIMEOUT')), timeoutMs)
      this.pending.set(id, {
        failed,
        answered(answer) {
          ended()
          resolve(answer)
        },
      })
    })
  }

  private async take(text: string, take: OrderTaker): Promise<void> {
    const { id, replyTo, order, hello } = parsed(text)
    if (typeof hello === 'string') this.pending.get(hello)?.answered({ result: 'done' })
    if (typeof id !== 'string' || typeof replyTo !== 'string' || !isOrder(order)) return
    // Whoever asked finds out by the time that it takes.
    await this.publish(replyTo, { id, answer: await take(order) }).catch(() => {})
  }

  private hear(text: string): void {
    const { id, answer, hello } = parsed(text)
    if (typeof hello === 'string') this.pending.get(hello)?.answered({ result: 'done' })
    if (typeof id === 'string' && isAnswer(answer)) this.pending.get(id)?.answered(answer)
  }

  /** @returns how many hear it. @throws GatewayError `STORE_UNAVAILABLE` */
  private async publish(name: string, message: object): Promise<unknown> {
    if (!this.server.isReady()) throw away('there is no connection to Redis')
    try {
      return await this.server.send('PUBLISH', this.channelOf(name), [JSON.stringify(message)])
    } catch (cause) {
      throw new GatewayError('STORE_UNAVAILABLE', { cause })
    }
  }

  private channelOf(name: string): string {
    return `${this.settings.prefix}:${name}`
  }
}

const ASK_EVERY_MS = 50

const away = (message: string) => new GatewayError('STORE_UNAVAILABLE', { message })

const pause = (clock: Clock, delayMs: number) => new Promise<void>((resolve) => void clock.setTimer(resolve, delayMs))

function parsed(text: string): Readonly<Record<'id' | 'replyTo' | 'order' | 'answer' | 'hello', unknown>> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return Object.create(null)
  }
}

function isOrder(value: unknown): value is ConnectionOrder {
  const { do: what, connectionId, data } = Object(value) as Partial<ConnectionOrder>
  if (typeof connectionId !== 'string') return false
  return what === 'look' || what === 'close' || (what === 'send' && typeof data === 'string')
}

function isAnswer(value: unknown): value is ConnectionAnswer {
  return ['done', 'gone', 'busy', 'large'].includes((Object(value) as Partial<ConnectionAnswer>).result as string)
}
