import { rawRequest } from '@gatelet/testing'
import { expect } from 'vitest'
import { message, statuses } from '../../attack/support/room.ts'

/** Four clients that ask without a pause, each for one request on a connection of its own. */
export interface Load {
  /** Waits until each client has had the answer to a request that it begins behind this. */
  more(): Promise<void>
  /** Ends them. @returns the status of each answer; 0 where none came */
  stop(): Promise<number[]>
}

/** Starts them. */
export function load(port: number): Load {
  const seen: number[] = []
  const ended = [0, 0, 0, 0]
  let isOver = false
  const clients = ended.map(async (_, at) => {
    while (!isOver) {
      seen.push(statuses(await rawRequest(port, message('GET /x')))[0] ?? 0)
      ended[at] = (ended[at] ?? 0) + 1
    }
  })
  return {
    async more() {
      // One more than now is what was on its way; two more is one that began later.
      const goal = ended.map((count) => count + 2)
      await expect.poll(() => ended.every((count, at) => count >= (goal[at] ?? 0)), { timeout: 5_000, interval: 2 }).toBe(true)
    },
    async stop() {
      isOver = true
      await Promise.all(clients)
      return seen
    },
  }
}
