import { json } from '@gatelet/core'
import { rateLimit } from '@gatelet/rate-limiter'
import { exchange, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { asker, FarStore, held, leasing, ok } from './fakes.ts'

const two = { limit: 2, algorithm: 'concurrency' } as const

test.each([
  ['the reply went out', (side: ReturnType<typeof exchange>) => side.finish()],
  ['the client left', (side: ReturnType<typeof exchange>) => side.abort()],
  ['it failed', (side: ReturnType<typeof exchange>) => side.finish('failed', 502)],
])('frees the slot of a request once when %s', async (_, end) => {
  const clock = virtualClock()
  const layer = rateLimit({ ...two, clock })
  const [first, second] = [held(layer, clock), held(layer, clock)]
  expect([await first.status, await second.status, await held(layer, clock).status]).toEqual([200, 200, 429])
  end(first.side)
  first.side.finish()
  first.side.abort()
  const third = held(layer, clock)
  expect([await third.status, await held(layer, clock).status]).toEqual([200, 429])
})

test('holds the slot of an upgraded connection until that is closed', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, algorithm: 'concurrency', clock })
  const side = exchange({ kind: 'upgrade' }, { clock })
  const upgrade = () => {}
  const reply = await layer(side.ctx, () => ({ ...json({}, 101), body: null, upgrade }))
  expect(reply.upgrade).toBe(upgrade)
  expect(reply.headers.get('ratelimit')).toBe('"1-at-once";r=0')
  expect(await held(layer, clock).status).toBe(429)
  side.finish('finished', 101)
  expect(await held(layer, clock).status).toBe(200)
})

test('frees the slot of a request whose handler threw', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, algorithm: 'concurrency', clock })
  const failing = asker(layer, clock, () => {
    throw new Error('x')
  })
  expect([(await failing()).status, (await failing()).status]).toEqual([500, 500])
  expect((await asker(layer, clock)()).status).toBe(200)
})

test('frees a slot that was had only after the client had left', async () => {
  const clock = virtualClock()
  const store = new FarStore(clock)
  store.isHeld = true
  const layer = rateLimit({ limit: 1, algorithm: 'concurrency', store, clock })
  const side = exchange('/', { clock })
  const reply = layer(side.ctx, ok)
  side.abort()
  store.answer()
  await reply
  await clock.advance(0)
  expect(store.given).toHaveLength(1)
  store.isHeld = false
  expect((await asker(layer, clock)()).status).toBe(200)
})

test('takes a lease again, long before it ends, as long as its request lasts', async () => {
  const { clock, store, layer } = leasing()
  const { side, status } = held(layer, clock)
  expect(await status).toBe(200)
  await clock.advance(30_000)
  const leases = new Set(store.taken.flat().map(({ lease }) => lease))
  expect([store.taken.length, leases.size]).toEqual([4, 1])
  // A store that fails is asked again the next time.
  store.failing = new Error('away')
  await clock.advance(10_000)
  store.failing = undefined
  side.finish()
  await clock.advance(60_000)
  expect(clock.pending).toBe(0)
  expect(store.taken).toHaveLength(5)
})

test('gives every request a lease of its own', async () => {
  const clock = virtualClock()
  const store = new FarStore(clock)
  const layer = rateLimit({ ...two, store, clock })
  await Promise.all([held(layer, clock).status, held(layer, clock).status])
  const [first, second] = store.taken.flat().map(({ lease }) => lease)
  expect(first).toMatch(/^[\w-]{12}\.\w+$/)
  expect(first).not.toBe(second)
})
