import type { NodeRedisClient } from '@gatelet/redis'
import { giveScript } from '../src/scripts/give.ts'
import { takeScript } from '../src/scripts/take.ts'

/** The epoch of the scripts. */
export const EPOCH_MS = 1_700_000_000_000

/** Sets the time of the scripts. @param now milliseconds since their epoch, to the microsecond */
export async function setTime(client: NodeRedisClient, now: number): Promise<void> {
  const us = Math.round((now + EPOCH_MS) * 1000)
  await client.sendCommand(['MSET', 'seconds', String(Math.floor(us / 1e6)), 'microseconds', String(us % 1e6)])
}

/**
 * A client whose Redis goes by the time that a test sets, and keeps what expires by its own clock. The scripts are the same,
 * but for where they read the time.
 */
export function atTestTime(client: NodeRedisClient): NodeRedisClient {
  return {
    isReady: true,
    on: () => client,
    listenerCount: () => 1,
    sendCommand([, script, ...rest]) {
      const { text } = script === giveScript.hash ? giveScript : takeScript
      const changed = text
        .replaceAll("redis.call('TIME')", "redis.call('MGET', 'seconds', 'microseconds')")
        .replaceAll(/'PX', .*$/gm, "'PX', 900000)")
      return client.sendCommand(['EVAL', changed, ...rest])
    },
  }
}
