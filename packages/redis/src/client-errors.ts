import type { RedisClient } from './client.ts'

/**
 * Hears the 'error' events of a client: one that nobody hears ends the process. Where nobody else listens they are warnings,
 * once a minute; whoever listens gets them as before.
 */
export function hearErrors(client: RedisClient): void {
  if (heard.has(client)) return
  heard.add(client)
  let warnedAt = Number.NEGATIVE_INFINITY
  client.on('error', (error: Error) => {
    const now = performance.now()
    if (client.listenerCount('error') > 1 || now - warnedAt < WARN_EVERY_MS) return
    warnedAt = now
    process.emitWarning(`the Redis client says: ${error.message}`, 'GateletWarning')
  })
}

// One listener for all stores of a client. It stays as long as the client: without it, an error after the store would end all.
const heard = new WeakSet<RedisClient>()

const WARN_EVERY_MS = 60_000
