import { type Check, options } from '@gatelet/core'

/** A client of node-redis that subscribes: `client.duplicate()`. */
export interface NodeRedisSubscriber {
  readonly isReady: boolean
  on(event: string, listener: (...args: unknown[]) => void): unknown
  off(event: string, listener: (...args: unknown[]) => void): unknown
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  unsubscribe(channel: string, listener: (message: string) => void): Promise<unknown>
}

/** A client of ioredis or iovalkey that subscribes: `client.duplicate()`. */
export interface IoRedisSubscriber {
  readonly status: string
  on(event: string, listener: (...args: unknown[]) => void): unknown
  off(event: string, listener: (...args: unknown[]) => void): unknown
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
}

/** A client that only subscribes, known by its shape. */
export type RedisSubscriber = NodeRedisSubscriber | IoRedisSubscriber

/** @throws GatewayError `BAD_OPTION` */
export const redisSubscriber: Check<RedisSubscriber> = (value, path) => {
  const { on, subscribe } = (typeof value === 'object' && value !== null ? value : {}) as Partial<RedisSubscriber>
  if (typeof on === 'function' && typeof subscribe === 'function') return value as RedisSubscriber
  throw options.wrong(value, path, 'a client of node-redis, ioredis or iovalkey of its own')
}

/** Who hears a subscription. */
export interface Hearer {
  message(text: string): void
  /** The connection was cut, or is there again: messages may be lost. */
  cut(): void
}

/** Subscribes, now and after each time that the connection is cut: the clients do that by themselves. */
export function subscribed(subscriber: RedisSubscriber, name: string, hearer: Hearer): { close(): Promise<void> } {
  const isIoRedis = 'status' in subscriber
  const hear = (text: string) => hearer.message(text)
  const hearAny = (channel: unknown, text: unknown) => {
    if (channel === name) hearer.message(String(text))
  }
  const cut = () => hearer.cut()
  const changes = ['ready', 'reconnecting', 'close', 'end']
  for (const event of changes) subscriber.on(event, cut)
  if (isIoRedis) subscriber.on('message', hearAny)
  // A first time that fails is made up for at the next connection, or shows in that nothing is heard.
  const first = () => (isIoRedis ? subscriber.subscribe(name) : (subscriber as NodeRedisSubscriber).subscribe(name, hear))
  Promise.resolve()
    .then(first)
    .catch(() => {})
  return {
    async close() {
      for (const event of changes) subscriber.off(event, cut)
      if (isIoRedis) subscriber.off('message', hearAny)
      const ended = isIoRedis
        ? (subscriber as IoRedisSubscriber).unsubscribe(name)
        : (subscriber as NodeRedisSubscriber).unsubscribe(name, hear)
      await ended.catch(() => {})
    },
  }
}
