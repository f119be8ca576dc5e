import { GatewayError, json } from '@gatelet/core'
import { type RateGrant, rateLimit } from '@gatelet/rate-limiter'
import { virtualClock } from '@gatelet/testing'
import { parseList } from 'structured-headers'
import { expect, test } from 'vitest'
import { asker } from './fakes.ts'

const policies = [
  { name: 'burst', limit: 100, per: '1m' },
  { name: 'daily', limit: 1_000, per: 'day' },
  { name: 'at-once', limit: 5, algorithm: 'concurrency' },
  { name: 'short', limit: 10, per: '1500ms', algorithm: 'sliding' },
  { name: 'monthly', limit: 9_000, per: 'month' },
] as const

test('says each policy and where the client stands, as the draft has it', async () => {
  const clock = virtualClock()
  const { headers } = await asker(rateLimit({ policies, clock }), clock)()
  expect(headers.get('ratelimit-policy')).toBe(
    '"burst";q=100;w=60, "daily";q=1000;w=86400, "at-once";q=5;qu="concurrent-requests", "short";q=10, "monthly";q=9000',
  )
  expect(headers.get('ratelimit')).toBe(
    '"burst";r=99;t=1, "daily";r=999;t=86400, "at-once";r=4, "short";r=9;t=3, "monthly";r=8999;t=2678400',
  )
})

test('writes fields that a parser of Structured Fields reads back, whatever the name', async () => {
  const clock = virtualClock()
  const { headers } = await asker(rateLimit({ name: 'a "b"\\, c;q=1', limit: 3, per: '10s', clock }), clock)()
  const [policy] = parseList(headers.get('ratelimit-policy') ?? '')
  const [limit] = parseList(headers.get('ratelimit') ?? '')
  expect(policy).toEqual([
    'a "b"\\, c;q=1',
    new Map([
      ['q', 3],
      ['w', 10],
    ]),
  ])
  expect(limit).toEqual([
    'a "b"\\, c;q=1',
    new Map([
      ['r', 2],
      ['t', 4],
    ]),
  ])
})

test('rounds times up: whoever waits as long as it was told passes', async () => {
  const clock = virtualClock()
  const ask = asker(rateLimit({ limit: 1, per: '90001ms', clock }), clock)
  await ask()
  const reply = await ask()
  expect(reply.headers.get('retry-after')).toBe('91')
  expect(reply.headers.get('ratelimit')).toMatch(/r=0;t=91$/)
  await clock.advance(91_000)
  expect((await ask()).status).toBe(200)
})

test('tells who is refused for a slot to come again in a second: nobody knows when there is one', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, algorithm: 'concurrency', clock })
  let inner: string | undefined
  await asker(layer, clock, async () => {
    const refused = await asker(layer, clock)()
    inner = `${refused.status} ${refused.headers.get('retry-after')} ${refused.headers.get('ratelimit')}`
    return json({})
  })()
  expect(inner).toBe('429 1 "1-at-once";r=0')
})

test('stands on replies that errors become', async () => {
  const clock = virtualClock()
  const failing = asker(rateLimit({ name: 'a', limit: 3, per: '1m', clock }), clock, () => {
    throw new GatewayError('UPSTREAM_RESET')
  })
  const reply = await failing()
  expect([reply.status, reply.headers.get('ratelimit'), reply.headers.get('ratelimit-policy')]).toEqual([
    502,
    '"a";r=2;t=20',
    '"a";q=3;w=60',
  ])
})

test('leaves what another limiter or the upstream says, and adds its own', async () => {
  const clock = virtualClock()
  const outer = rateLimit({ name: 'outer', limit: 5, per: '10s', headers: 'both', clock })
  const inner = rateLimit({ name: 'inner', limit: 3, per: '10s', headers: 'both', clock })
  const { headers } = await asker((ctx, next) => outer(ctx, (deeper) => inner(deeper, next)), clock)()
  expect(headers.get('ratelimit')).toBe('"inner";r=2;t=4, "outer";r=4;t=2')
  expect([headers.getAll('x-ratelimit-limit'), headers.getAll('x-ratelimit-remaining')]).toEqual([['3'], ['2']])
})

test('says the old fields where it is told to: of the policy with the least left', async () => {
  const clock = virtualClock({ date: Date.UTC(2026, 0, 1) })
  const two = [
    { limit: 9, per: '1m', algorithm: 'fixed' },
    { limit: 3, per: '10s', algorithm: 'fixed' },
  ] as const
  const { headers } = await asker(rateLimit({ policies: two, headers: 'legacy', clock }), clock)()
  expect(Object.fromEntries([...headers].filter(([name]) => name.includes('ratelimit')))).toEqual({
    'x-ratelimit-limit': '3',
    'x-ratelimit-remaining': '2',
    'x-ratelimit-reset': String(Date.UTC(2026, 0, 1) / 1_000 + 10),
  })
})

test('says nothing but Retry-After where it is told to be silent', async () => {
  const clock = virtualClock()
  const ask = asker(rateLimit({ limit: 1, per: '10s', headers: false, clock }), clock)
  expect([...(await ask()).headers].some(([name]) => name.includes('ratelimit'))).toBe(false)
  const refused = await ask()
  expect([...refused.headers].some(([name]) => name.includes('ratelimit'))).toBe(false)
  expect(refused.headers.get('retry-after')).toBe('10')
})

test('says no integer that fields cannot hold, however large a debt is', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, per: '365d', as: 'usage', headers: 'both', clock })
  const settling = asker(layer as never, clock, (ctx) => {
    void (ctx.state as { usage: RateGrant }).usage.settle(1e12)
    return json({})
  })
  await settling()
  const { status, headers } = await settling()
  expect(status).toBe(429)
  expect(headers.get('ratelimit')).toBe('"1-per-365d";r=0;t=999999999999999')
  expect([headers.get('retry-after'), headers.get('x-ratelimit-reset')]).toEqual(['999999999999999', '999999999999999'])
})
