import { subscribe } from '@gatelet/core'
import { rateLimit } from '@gatelet/rate-limiter'
import { bodyJson, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { asker, type Decision, FarStore, statuses } from './fakes.ts'

const away = new Error('the store is away')

function scene(onStoreError?: 'open' | 'closed' | 'local') {
  const clock = virtualClock()
  const store = new FarStore(clock)
  const layer = rateLimit({ name: 'a', limit: 2, per: '1h', store, clock, ...(onStoreError ? { onStoreError } : {}) })
  return { clock, store, ask: asker(layer, clock) }
}

test('counts in this process while the store is away, and in the store again when it is back', async () => {
  const { store, ask } = scene()
  expect((await ask()).headers.get('ratelimit')).toMatch(/r=1;/)
  store.failing = away
  expect(await statuses(ask, 3)).toEqual([200, 200, 429])
  store.failing = undefined
  expect(await statuses(ask, 2)).toEqual([200, 429])
})

test('lets everybody pass where it is told to, and says no figures that nobody knows', async () => {
  const { store, ask } = scene('open')
  store.failing = away
  expect(await statuses(ask, 4)).toEqual([200, 200, 200, 200])
  expect((await ask()).headers.has('ratelimit')).toBe(false)
})

test('lets nobody pass where it is told to: 503, of the registered type', async () => {
  const { store, ask } = scene('closed')
  store.failing = away
  const reply = await ask()
  expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await bodyJson(reply)).toMatchObject({
    type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
    code: 'STORE_UNAVAILABLE',
    'violated-policies': [],
  })
})

test('tells who has counted, and why the store could not be asked', async () => {
  const told: Decision[] = []
  const undo = subscribe('rate:decided', (decision) => void told.push(decision))
  const { store, ask } = scene()
  store.failing = away
  await ask()
  expect(told).toMatchObject([{ verdict: { source: 'local' }, error: away }])
  undo()
})

describe('a store of somebody else', () => {
  test.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw away
      },
    ],
    ['answers for fewer than were asked', () => [] as never],
    ['answers nothing', () => undefined as never],
    ['answers nothing, later', () => Promise.resolve(undefined) as never],
    ['rejects', () => Promise.reject(away) as never],
  ])('that %s is one that is away', async (_, take) => {
    const clock = virtualClock()
    const ask = asker(rateLimit({ limit: 2, per: '1h', store: { take, give() {} }, clock }), clock)
    expect(await statuses(ask, 3)).toEqual([200, 200, 429])
  })
})

test('what cannot be given back disturbs nobody', async () => {
  const clock = virtualClock()
  const store = new FarStore(clock)
  const give = () => {
    throw away
  }
  const layers = [
    rateLimit({ limit: 9, per: '1h', refund: [200], store: { take: (requests) => store.take(requests), give }, clock }),
    rateLimit({
      limit: 9,
      algorithm: 'concurrency',
      store: { take: (requests) => store.take(requests), give: async () => give() },
      clock,
    }),
  ]
  for (const layer of layers) expect((await asker(layer, clock)()).status).toBe(200)
  await clock.advance(0)
})
