import { rateLimit } from '@gatelet/rate-limiter'
import { exchange, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { FarStore, held, ok } from '../fakes.ts'

function scene(options: Partial<Parameters<typeof rateLimit>[0]> = {}) {
  const clock = virtualClock()
  const store = new FarStore(clock)
  const layer = rateLimit({ limit: 2, per: '2s', mode: 'delay', store, clock, ...options } as Parameters<typeof rateLimit>[0])
  const ask = () => {
    const side = exchange('/', { clock })
    const found: { status?: number; at?: number; limit?: string | undefined } = {}
    const done = side
      .ask(layer, ok)
      .then(({ status, headers }) => Object.assign(found, { status, at: clock.now(), limit: headers.get('ratelimit') }))
    return { side, found, done }
  }
  return { clock, store, ask, layer }
}

test('lets requests pass late, evenly spaced, when they come faster than is allowed', async () => {
  const { clock, ask } = scene()
  const all = Array.from({ length: 5 }, ask)
  await clock.advance(5_000)
  expect(all.map(({ found }) => [found.status, Math.round(found.at ?? -1)])).toEqual([
    [200, 0],
    [200, 0],
    [200, 1_000],
    [200, 2_000],
    [200, 3_000],
  ])
  expect(all[4]?.found.limit).toBe('"2-per-2s";r=0;t=1')
  expect(clock.pending).toBe(0)
})

test('refuses who would be too late, or finds no room', async () => {
  const { clock, ask } = scene({ wait: { max: '2s', perKey: 3 } })
  const all = Array.from({ length: 6 }, ask)
  await clock.advance(0)
  expect(all.map(({ found }) => found.status)).toEqual([200, 200, undefined, undefined, 429, 429])
  await clock.advance(2_000)
  expect(all.map(({ found }) => found.status)).toEqual([200, 200, 200, 200, 429, 429])
})

test('gives back what a client has reserved that leaves', async () => {
  const { clock, ask } = scene()
  const [, , third, fourth] = Array.from({ length: 4 }, ask)
  await clock.advance(500)
  third?.side.abort()
  await clock.advance(500)
  const fifth = ask()
  await clock.advance(1_000)
  expect([fourth?.found.at, fifth.found.at]).toEqual([2_000, 2_000])
})

test('refuses at once where waiting is not enough: a quota of another kind', async () => {
  const policies = [
    { name: 'even', limit: 1, per: '1s' },
    { name: 'quota', limit: 3, per: '1h', algorithm: 'fixed' },
  ] as const
  const { clock, ask } = scene({ policies, limit: undefined, per: undefined } as never)
  const all = Array.from({ length: 4 }, ask)
  await clock.advance(10_000)
  expect(all.map(({ found }) => found.status)).toEqual([200, 200, 200, 429])
})

test('frees the slot of a client that leaves while it waits', async () => {
  const policies = [
    { name: 'even', limit: 1, per: '1s' },
    { name: 'slots', limit: 2, algorithm: 'concurrency' },
  ] as const
  const { clock, layer } = scene({ policies, limit: undefined, per: undefined } as never)
  const [first, second] = [held(layer, clock), held(layer, clock)]
  await clock.advance(0)
  second.side.abort()
  await clock.advance(1_000)
  const third = held(layer, clock)
  expect([await first.status, await third.status]).toEqual([200, 200])
})

test('waits no longer than its deadline, and takes nothing of who is refused', async () => {
  const { clock, store, layer } = scene({ limit: 1, per: '1s' })
  await held(layer, clock).status
  const side = exchange('/', { clock })
  const { status, headers } = await layer(side.ctx.withDeadline(500), ok)
  expect([status, headers.get('retry-after'), headers.get('ratelimit')]).toEqual([429, '1', '"1-per-1s";r=0;t=2'])
  expect(store.given).toHaveLength(1)
  await clock.advance(1_000)
  expect(await held(layer, clock).status).toBe(200)
  expect(clock.now()).toBe(1_000)
})

test('does not ask on for a client that has left, and gives back what it has reserved once', async () => {
  const clock = virtualClock()
  const store = new FarStore(clock)
  const layer = rateLimit({ limit: 2, per: '2s', mode: 'delay', refund: [499], store, clock })
  const sides = Array.from({ length: 3 }, () => exchange('/', { clock }))
  let asked = 0
  for (const side of sides)
    void side.ask(layer, (ctx) => {
      asked++
      return ok(ctx)
    })
  await clock.advance(10)
  sides[2]?.abort()
  await clock.advance(5_000)
  expect([asked, store.given.length, clock.pending]).toEqual([2, 1, 0])
})
