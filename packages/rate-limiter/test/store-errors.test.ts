import { chain, json, subscribe } from '@gatelet/core'
import { type RateLimitOptions, type RateStore, type RateVerdict, rateLimit } from '@gatelet/rate-limiter'
import { bodyJson, exchange, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { asker, type Decision, FarStore, held, leasing, statuses } from './fakes.ts'

const away = new Error('the store is away')
const fine: RateVerdict = { allowed: true, remaining: 1, resetMs: 1, retryAfterMs: 0, stamp: 0 }

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
    ['answers null for a verdict', () => [null] as never],
    ['answers null for a verdict, later', () => Promise.resolve([null]) as never],
    ['does not say whether', () => [{ ...fine, allowed: 'yes' }] as never],
    ['says how many are left as no number', () => [{ ...fine, remaining: Number.NaN }] as never],
    ['says more is left than a field can say', () => [{ ...fine, remaining: 1e15 }] as never],
    ['says less than nothing is left', () => [{ ...fine, remaining: -1 }] as never],
    ['says no times', () => [{ allowed: true, remaining: 1 }] as never],
    ['says a wait that is no number', () => [{ ...fine, retryAfterMs: Number.NaN }] as never],
    ['rejects', () => Promise.reject(away) as never],
  ])('that %s is one that is away', async (_, take) => {
    const clock = virtualClock()
    const ask = asker(rateLimit({ limit: 2, per: '1h', store: { take, give() {} }, clock }), clock)
    expect(await statuses(ask, 3)).toEqual([200, 200, 429])
  })
})

describe('a store that never answers', () => {
  const silent: RateStore = { take: () => new Promise(() => {}), give: () => new Promise(() => {}) }

  test.each<['open' | 'closed' | 'local', number[]]>([
    ['local', [200, 200, 429]],
    ['open', [200, 200, 200]],
    ['closed', [503, 503, 503]],
  ])('holds a request for a second, then what is chosen for errors holds: %s', async (onStoreError, expected) => {
    const clock = virtualClock()
    const ask = asker(rateLimit({ limit: 2, per: '1h', store: silent, onStoreError, clock }), clock)
    const ended: number[] = []
    const asked = expected.map(() => ask().then(({ status }) => ended.push(status)))
    await clock.advance(999)
    expect(ended).toEqual([])
    await clock.advance(1)
    await Promise.all(asked)
    expect(ended).toEqual(expected)
    expect(clock.pending).toBe(0)
  })

  test('holds it as long as it is told to, and the reason is told', async () => {
    const told: Decision[] = []
    onTestFinished(subscribe('rate:decided', (decision) => void told.push(decision)))
    const clock = virtualClock()
    const asked = asker(rateLimit({ limit: 2, per: '1h', store: silent, storeTimeoutMs: 70, clock }), clock)()
    await clock.advance(70)
    expect((await asked).status).toBe(200)
    expect(told).toMatchObject([{ verdict: { source: 'local' }, error: { code: 'STORE_TIMEOUT' } }])
  })

  test('takes nothing back, and nobody waits for that longer either', async () => {
    const clock = virtualClock()
    const store = { ...silent, take: async () => [fine] }
    const layer = rateLimit({ limit: 2, per: '1h', store, as: 'limit', clock })
    const settled = vi.fn()
    const handler = chain()
      .use(layer)
      .to(({ state }) => {
        void Promise.resolve(state.limit.settle(0)).then(settled)
        return json({})
      })
    await handler(exchange('/', { clock }).ctx)
    await clock.advance(999)
    expect(settled).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(settled).toHaveBeenCalledOnce()
  })
})

describe('an answer that comes too late', () => {
  /** One request that its store answers only after the limiter has gone on. */
  async function late(policy: Pick<RateLimitOptions, 'limit' | 'per' | 'algorithm'>) {
    const clock = virtualClock()
    const store = new FarStore(clock)
    store.isHeld = true
    const layer = rateLimit({ ...policy, store, clock })
    const asked = asker(layer, clock)()
    await clock.advance(1_000)
    expect((await asked).status).toBe(200)
    store.isHeld = false
    store.answer()
    await clock.advance(0)
    return { store, ask: asker(layer, clock) }
  }

  test('gives back the slot that it took', async () => {
    const { store, ask } = await late({ limit: 1, algorithm: 'concurrency' })
    expect(store.given).toHaveLength(1)
    expect((await ask()).status).toBe(200)
  })

  test('leaves counted what it took of units: the request has come', async () => {
    const { store, ask } = await late({ limit: 1, per: '1h' })
    expect(store.given).toEqual([])
    expect((await ask()).status).toBe(429)
  })

  test('does not end the slot of a request that lasts, when it was about taking that anew', async () => {
    const { clock, store, layer } = leasing()
    const { side, status } = held(layer, clock)
    expect(await status).toBe(200)
    store.isHeld = true
    await clock.advance(12_000)
    store.isHeld = false
    store.answer()
    await clock.advance(0)
    expect(store.given).toEqual([])
    expect(await held(layer, clock).status).toBe(429)
    side.finish()
    expect(store.given).toHaveLength(1)
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
