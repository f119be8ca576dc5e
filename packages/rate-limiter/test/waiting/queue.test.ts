import type { Middleware } from '@gatelet/core'
import { rateLimit } from '@gatelet/rate-limiter'
import { exchange, type RequestLike, type VirtualClock, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { FarStore, held, ok } from '../fakes.ts'

/** Asks, and says at what time each answer came. */
function waiter(layer: Middleware, clock: VirtualClock, request: RequestLike = '/') {
  const side = exchange(request, { clock })
  const found: { status?: number; at?: number } = {}
  const done = side.ask(layer, ok).then(({ status }) => Object.assign(found, { status, at: clock.now() }))
  return { side, found, done }
}

test('lets requests wait for their turn, first come first served, each as soon as there is something', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, per: '1s', mode: 'queue', clock })
  const all = Array.from({ length: 5 }, () => waiter(layer, clock))
  await clock.advance(10_000)
  expect(all.map(({ found }) => found.status)).toEqual([200, 200, 200, 200, 200])
  expect(all.map(({ found }) => Math.round((found.at ?? 0) / 100) / 10)).toEqual([0, 1, 2, 3, 4])
  expect(clock.pending).toBe(0)
})

test('lets nobody wait for the turns of other keys', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, per: '4s', mode: 'queue', clock })
  const first = [waiter(layer, clock), waiter(layer, clock)]
  const other = waiter(layer, clock, { client: '192.0.2.9' })
  await clock.advance(0)
  expect([first[0]?.found.status, first[1]?.found.status, other.found.status]).toEqual([200, undefined, 200])
})

test('refuses at once who would have to wait longer than is allowed, or than its deadline', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, per: '3s', mode: 'queue', wait: { max: '4s' }, clock })
  await waiter(layer, clock).done
  const waiting = waiter(layer, clock)
  const side = exchange('/', { clock })
  const hurried = layer(side.ctx.withDeadline(clock.now() + 2_900), ok)
  expect((await hurried).status).toBe(429)
  await clock.advance(3_000)
  expect(waiting.found).toMatchObject({ status: 200, at: 3_000 })
  const tooDear = rateLimit({ limit: 1, per: '5s', mode: 'queue', wait: { max: '4s' }, clock })
  await waiter(tooDear, clock).done
  expect((await waiter(tooDear, clock).done).status).toBe(429)
})

test('refuses who has waited as long as is allowed without a turn', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, per: '3s', mode: 'queue', wait: { max: '4s' }, clock })
  await waiter(layer, clock).done
  const waiting = [waiter(layer, clock), waiter(layer, clock)]
  await clock.advance(4_000)
  expect(waiting.map(({ found }) => found)).toEqual([
    { status: 200, at: 3_000 },
    { status: 429, at: 4_000 },
  ])
  expect(clock.pending).toBe(0)
})

test('has room for so many, all together and for each key', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, per: '1s', mode: 'queue', wait: { size: 3, perKey: 2 }, clock })
  const from = (client: string) => waiter(layer, clock, { client })
  const all = [1, 1, 1, 1, 2, 2, 2].map((host) => from(`192.0.2.${host}`))
  await clock.advance(0)
  expect(all.map(({ found }) => found.status)).toEqual([200, undefined, undefined, 429, 200, undefined, 429])
  await clock.advance(3_000)
  expect((await from('192.0.2.1').done).status).toBe(200)
})

test('a client that leaves makes room, and is not counted', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, per: '2s', mode: 'queue', wait: { perKey: 2 }, clock })
  const [first, second] = [waiter(layer, clock), waiter(layer, clock)]
  await first.done
  second.side.abort()
  const third = waiter(layer, clock)
  await clock.advance(2_000)
  expect(third.found).toMatchObject({ status: 200, at: 2_000 })
  expect(clock.pending).toBe(0)
})

test('gives back what a client gets that left while the store was asked', async () => {
  const clock = virtualClock()
  const store = new FarStore(clock)
  const layer = rateLimit({ limit: 1, per: '2s', mode: 'queue', store, clock })
  await waiter(layer, clock).done
  const [second, third] = [waiter(layer, clock), waiter(layer, clock)]
  await clock.advance(0)
  store.isHeld = true
  await clock.advance(2_000)
  second.side.abort()
  store.isHeld = false
  store.answer()
  await clock.advance(0)
  expect(store.given).toHaveLength(1)
  expect(third.found.status).toBe(200)
})

test('who waits for a slot gets it as soon as it is free', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, algorithm: 'concurrency', mode: 'queue', clock })
  const first = held(layer, clock)
  expect(await first.status).toBe(200)
  const second = held(layer, clock)
  first.side.finish()
  expect(await second.status).toBe(200)
  expect(clock.now()).toBe(0)
})

test('looks again now and then for a slot that another process may have freed', async () => {
  const clock = virtualClock()
  const store = new FarStore(clock)
  const layer = rateLimit({ limit: 1, algorithm: 'concurrency', mode: 'queue', store, clock })
  const elsewhere = rateLimit({ limit: 1, algorithm: 'concurrency', store, clock })
  const first = held(elsewhere, clock)
  await first.status
  const second = waiter(layer, clock)
  await clock.advance(1_000)
  first.side.finish()
  await clock.advance(50)
  expect(second.found.status).toBe(200)
  // Only the first of a line asks.
  expect(store.taken.length).toBeLessThan(30)
})

test('a whole line passes when a window begins anew', async () => {
  const clock = virtualClock()
  const layer = rateLimit({
    limit: 20_000,
    per: '1s',
    algorithm: 'fixed',
    mode: 'queue',
    wait: { size: 30_000, perKey: 30_000 },
    clock,
  })
  const statuses: number[] = []
  const asked = Array.from({ length: 40_000 }, async () => {
    const side = exchange('/', { clock })
    const { status } = await layer(side.ctx, ok)
    statuses.push(status)
  })
  await clock.advance(0)
  expect(statuses.length).toBe(20_000 + 0)
  await clock.advance(1_000)
  await Promise.all(asked)
  expect(statuses.every((status) => status === 200)).toBe(true)
})

test('who is asked about other policies stands in another line', async () => {
  const clock = virtualClock()
  const layer = rateLimit({
    policies: [
      { name: 'all', limit: 2, per: '10s' },
      { name: 'writes', limit: 1, per: '2s', when: ({ request }) => request.method === 'POST' },
    ],
    mode: 'queue',
    clock,
  })
  const first = waiter(layer, clock, 'POST /')
  const [second, third] = [waiter(layer, clock, 'POST /'), waiter(layer, clock, 'GET /')]
  await clock.advance(0)
  expect([first, second, third].map(({ found }) => found.status)).toEqual([200, undefined, 200])
  const fourth = waiter(layer, clock, 'GET /')
  fourth.side.abort()
  second.side.abort()
  await clock.advance(0)
  expect(clock.pending).toBe(0)
})
