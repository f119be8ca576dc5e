import { createBalancer, type ManagedBalancer } from '@gatelet/balancer'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { type OriginFarm, origins } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { Load, type Seen, total } from '../examples/demo/load.ts'

// Requests between two changes, at 200 a second.
const isShort = process.env['HEAVY_SHORT'] === '1'
const pace = isShort ? 100 : 1_000

/** Three servers behind a gateway, asked until the test has done what it does. */
async function underLoad(change: (scene: Scene) => Promise<void>, perSecond = 200): Promise<void> {
  await using farm = await origins(3, { keepRequests: 1 })
  const balancer = createBalancer({ endpoints: farm.urls })
  const forwarder = proxy(balancer)
  await using server = await serve(forwarder, { port: 0, host: '127.0.0.1' })
  const load = new Load(server.url, perSecond)
  const more = async (count = pace) => {
    const until = load.seen.sent + count
    while (ended(load.seen) < until) await new Promise(setImmediate)
  }
  await more()
  await change({ farm, balancer, more })
  await more()
  const seen = await load.stop()
  expect(seen.failed).toEqual({})
  expect(total(seen.answered)).toBe(seen.sent)
  expect(balancer.endpoints.map(({ inflight }) => inflight)).toEqual([0, 0, 0])
  await forwarder.close()
  await balancer.close()
}

interface Scene {
  readonly farm: OriginFarm
  readonly balancer: ManagedBalancer
  /**
   * Lets the load go on for so many requests, and for their answers: on a busy machine a request could otherwise meet the ends
   * of all three servers, one after the other.
   */
  readonly more: (count?: number) => Promise<void>
}

const ended = ({ answered, failed }: Seen): number => total(answered) + total(failed)

// Requests while ten rounds of restarts go on.
const ofTenRounds = isShort ? 10_000 : 100_000

describe('no client sees', () => {
  test('that one of three servers is killed and comes back', () =>
    underLoad(async ({ farm, more }) => {
      await farm.stop(1)
      await more()
      await farm.start(1)
    }))

  test('that all servers are restarted, one by one, without a word', () =>
    underLoad(async ({ farm, more }) => {
      for (const at of [0, 1, 2]) {
        await farm.stop(at)
        await more()
        await farm.start(at)
        await more()
      }
    }))

  test('that all servers are restarted one by one, ten times over', () =>
    underLoad(async ({ farm, more }) => {
      for (let round = 0; round < 10; round++) {
        for (const at of [0, 1, 2]) {
          await farm.stop(at)
          await more(ofTenRounds / 60)
          await farm.start(at)
          await more(ofTenRounds / 60)
        }
      }
    }, 1_000))

  test('that all servers are replaced by others, one by one', async () => {
    await using others = await origins(3, { keepRequests: 1 })
    await underLoad(async ({ farm, balancer, more }) => {
      for (const [at, url] of others.urls.entries()) {
        balancer.add(url)
        expect(await balancer.remove(farm.urls[at] as string)).toBe(true)
        await farm.stop(at)
        await more()
      }
      expect(balancer.endpoints.map(({ id }) => id)).toEqual(others.urls)
    })
    expect(others.servers.every(({ hits }) => hits > 0)).toBe(true)
  })
})
