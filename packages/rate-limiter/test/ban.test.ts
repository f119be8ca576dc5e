import { subscribe } from '@gatelet/core'
import { memoryRateStore, rateLimit } from '@gatelet/rate-limiter'
import { bodyJson, exchange, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { asker, FarStore, ok, statuses } from './fakes.ts'

const ban = { after: 3, within: '1m', for: '1h' } as const

test('shuts out who is refused over and over, for its time, which asking on does not make longer', async () => {
  const clock = virtualClock()
  const banned: unknown[] = []
  const undo = subscribe('rate:banned', (event) => banned.push(event))
  const ask = asker(rateLimit({ limit: 1, per: '1s', ban, clock }), clock)
  expect(await statuses(ask, 4)).toEqual([200, 429, 429, 429])
  expect(banned).toEqual([{ key: '127.0.0.1', forMs: 3_600_000 }])
  await clock.advance(1_800_000)
  const reply = await ask()
  expect([reply.status, reply.headers.get('retry-after')]).toEqual([429, '1800'])
  expect(await bodyJson(reply)).toMatchObject({
    type: 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected',
    'violated-policies': [],
  })
  expect((await ask({ client: '192.0.2.1' })).status).toBe(200)
  await statuses(ask, 50)
  await clock.advance(1_800_000)
  expect((await ask()).status).toBe(200)
  undo()
})

test('shuts nobody out who is refused now and then', async () => {
  const clock = virtualClock()
  const ask = asker(rateLimit({ limit: 1, per: '1s', ban, clock }), clock)
  for (let minute = 0; minute < 10; minute++) {
    expect(await statuses(ask, 3)).toEqual([200, 429, 429])
    await clock.advance(60_000)
  }
})

test('keeps counts only of those who were refused', async () => {
  const clock = virtualClock()
  const withBan = memoryRateStore({ maxKeys: 100, clock })
  const without = memoryRateStore({ maxKeys: 100, clock })
  const layers = [
    rateLimit({ limit: 1, per: '1s', ban, store: withBan, clock }),
    rateLimit({ limit: 1, per: '1s', store: without, clock }),
  ]
  for (const layer of layers) {
    const ask = asker(layer, clock)
    for (let host = 0; host < 3; host++) await ask({ client: `10.0.0.${host}` })
  }
  expect(withBan.bytes).toBe(without.bytes)
})

test('holds in all processes with one store', async () => {
  const clock = virtualClock()
  const store = new FarStore(clock)
  const [here, there] = [0, 1].map(() => asker(rateLimit({ limit: 1, per: '1s', ban, store, clock }), clock))
  if (!here || !there) return
  expect(await statuses(here, 4)).toEqual([200, 429, 429, 429])
  await clock.advance(10_000)
  expect((await there()).status).toBe(429)
})

test.each(['queue', 'delay'] as const)('shuts nobody out who leaves while it waits: %s', async (mode) => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, per: '1s', mode, ban, clock })
  const sides = Array.from({ length: 4 }, () => exchange('/', { clock }))
  for (const side of sides) void side.ask(layer, ok)
  await clock.advance(10)
  for (const side of sides) side.abort()
  await clock.advance(1_000)
  expect(await statuses(asker(layer, clock), 1)).toEqual([200])
})
