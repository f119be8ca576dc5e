import { chain, GatewayError, json, subscribe, text } from '@gatelet/core'
import { byPrincipal, memoryRateStore, rateLimit } from '@gatelet/rate-limiter'
import { bodyJson, call, describeMiddleware, exchange, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { asker, FarStore, ok, statuses } from './fakes.ts'

describeMiddleware('rateLimit', () => rateLimit({ limit: 1_000_000, per: '1s' }), { describe, test })

test('admits the burst, refuses beyond it, and admits again when there is more', async () => {
  const clock = virtualClock()
  const ask = asker(rateLimit({ limit: 6, per: '1m', burst: 2, clock }), clock)
  expect(await statuses(ask, 3)).toEqual([200, 200, 429])
  await clock.advance(9_980)
  expect(await statuses(ask, 1)).toEqual([429])
  await clock.advance(20)
  expect(await statuses(ask, 2)).toEqual([200, 429])
})

test('has as much at once as the limit says, unless a burst is given', async () => {
  const clock = virtualClock()
  expect(await statuses(asker(rateLimit({ limit: 5, per: '10s', clock }), clock), 7)).toEqual([200, 200, 200, 200, 200, 429, 429])
})

test('counts clients apart: IPv4 by address, IPv6 by /64', async () => {
  const clock = virtualClock()
  const ask = asker(rateLimit({ limit: 1, per: '1h', clock }), clock)
  const from = async (client: string) => (await ask({ client })).status
  expect(await from('192.0.2.1')).toBe(200)
  expect(await from('192.0.2.2')).toBe(200)
  expect(await from('192.0.2.1')).toBe(429)
  expect(await from('2001:db8:0:1::1')).toBe(200)
  expect(await from('2001:db8:0:1:ffff::9')).toBe(429)
  expect(await from('2001:db8:0:2::1')).toBe(200)
})

test('refuses with 429, the registered type of problem, and when to come again', async () => {
  const clock = virtualClock()
  const ask = asker(rateLimit({ name: 'burst', limit: 6, per: '1m', burst: 1, clock }), clock)
  await ask()
  await clock.advance(100)
  const reply = await ask()
  expect(reply.status).toBe(429)
  expect(reply.headers.get('content-type')).toBe('application/problem+json')
  expect(reply.headers.get('retry-after')).toBe('10')
  expect(reply.headers.get('cache-control')).toBe('no-store')
  expect(await bodyJson(reply)).toEqual({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Too many requests',
    status: 429,
    code: 'RATE_LIMITED',
    'violated-policies': ['burst'],
  })
})

test('takes from every policy, or from none', async () => {
  const clock = virtualClock()
  const login = rateLimit({
    policies: [
      { name: 'burst', limit: 2, per: '10s' },
      { name: 'hour', limit: 3, per: '1h', algorithm: 'fixed' },
    ],
    clock,
  })
  const ask = asker(login, clock)
  expect(await statuses(ask, 4)).toEqual([200, 200, 429, 429])
  // Had the refused ones been taken from the hour, none would be left.
  await clock.advance(10_000)
  const replies = [await ask(), await ask()]
  expect(replies.map(({ status }) => status)).toEqual([200, 429])
  expect(await bodyJson(replies[1] as never)).toMatchObject({ 'violated-policies': ['hour'] })
})

test('counts each policy by its own key, where it has one', async () => {
  const clock = virtualClock()
  const layer = rateLimit({
    policies: [
      { name: 'client', limit: 2, per: '1h' },
      { name: 'tenant', limit: 3, per: '1h', key: ({ request }) => request.headers.get('x-tenant') },
    ],
    clock,
  })
  const ask = asker(layer, clock)
  const from = async (client: string, tenant: string) => (await ask({ client, headers: { 'x-tenant': tenant } })).status
  expect([await from('192.0.2.1', 'a'), await from('192.0.2.1', 'a'), await from('192.0.2.1', 'b')]).toEqual([200, 200, 429])
  expect([await from('192.0.2.2', 'a'), await from('192.0.2.2', 'a')]).toEqual([200, 429])
  expect(await from('192.0.2.2', 'b')).toBe(200)
})

test('counts by the client where a request has no key, apart from who sends that address for a key', async () => {
  const clock = virtualClock()
  const ask = asker(rateLimit({ limit: 1, per: '1h', key: ({ request }) => request.headers.get('x-api-key'), clock }), clock)
  expect((await ask({ headers: { 'x-api-key': '127.0.0.1' } })).status).toBe(200)
  expect(await statuses(ask, 2)).toEqual([200, 429])
  expect((await ask({ client: '192.0.2.7' })).status).toBe(200)
})

test('counts by who the request has proved to be', async () => {
  const clock = virtualClock()
  const limited = chain()
    .provide(({ request }) => ({ principal: { subject: request.headers.get('authorization') ?? 'nobody' } }))
    .use(rateLimit({ limit: 1, per: '1h', key: byPrincipal(), clock }))
    .to(ok)
  const as = async (authorization: string) => (await call(limited, { headers: { authorization } }, { clock })).status
  expect([await as('ada'), await as('ada'), await as('bob')]).toEqual([200, 429, 200])
})

test('holds a policy only for the requests for which it says so', async () => {
  const clock = virtualClock()
  const layer = rateLimit({ limit: 1, per: '1h', when: ({ request }) => request.method === 'POST', clock })
  const ask = asker(layer, clock)
  expect(await statuses(() => ask('GET /'), 3)).toEqual([200, 200, 200])
  expect((await ask('GET /')).headers.has('ratelimit')).toBe(false)
  expect(await statuses(() => ask('POST /'), 2)).toEqual([200, 429])
})

test('counts what a request costs, and never lets pass what costs more than there ever is', async () => {
  const clock = virtualClock()
  const cost = ({ request }: { request: { url: { path: string } } }) => Number(request.url.path.slice(1))
  const ask = asker(rateLimit({ limit: 10, per: '10s', algorithm: 'fixed', cost, clock }), clock)
  expect((await ask('/7')).status).toBe(200)
  expect((await ask('/4')).headers.get('retry-after')).toBe('10')
  expect((await ask('/3')).status).toBe(200)
  const never = await ask('/11')
  expect([never.status, never.headers.get('retry-after')]).toEqual([429, undefined])
  expect((await ask('/-1')).status).toBe(500)
  expect((await ask('/x')).status).toBe(500)
})

test('does not limit whom it is told to let pass, and does not count them', async () => {
  const clock = virtualClock()
  const store = memoryRateStore({ clock })
  const byRange = asker(rateLimit({ limit: 1, per: '1h', allow: ['10.0.0.0/8', '2001:db8::/32'], store, clock }), clock)
  expect(await statuses(() => byRange({ client: '10.1.2.3' }), 3)).toEqual([200, 200, 200])
  expect(await statuses(() => byRange({ client: '2001:db8::1' }), 3)).toEqual([200, 200, 200])
  expect(store.bytes).toBe(0)
  expect(await statuses(() => byRange({ client: '192.0.2.1' }), 2)).toEqual([200, 429])
  const byFunction = rateLimit({ limit: 1, per: '1h', allow: ({ request }) => request.url.path === '/healthz', clock })
  expect(await statuses(() => asker(byFunction, clock)('/healthz'), 3)).toEqual([200, 200, 200])
})

test('in shadow mode counts and tells, and refuses nobody', async () => {
  const clock = virtualClock()
  const told: unknown[] = []
  const undo = subscribe('rate:decided', ({ verdict, isShadow }) => told.push([verdict.allowed, verdict.reason, isShadow]))
  const ask = asker(rateLimit({ limit: 1, per: '1h', shadow: true, clock }), clock)
  expect(await statuses(ask, 2)).toEqual([200, 200])
  expect((await ask()).headers.has('ratelimit')).toBe(false)
  expect(told).toEqual([
    [true, undefined, true],
    [false, 'quota', true],
    [false, 'quota', true],
  ])
  undo()
})

test.each(['queue', 'delay'] as const)('in shadow mode lets nobody wait: %s', async (mode) => {
  const clock = virtualClock()
  const ask = asker(rateLimit({ limit: 1, per: '1h', mode, shadow: true, clock }), clock)
  expect(await statuses(ask, 3)).toEqual([200, 200, 200])
  expect(clock.now()).toBe(0)
})

test('tells of each decision, by whom it was made and how policies stand', async () => {
  const clock = virtualClock()
  const told: unknown[] = []
  const undo = subscribe('rate:decided', ({ verdict, context }) => told.push({ verdict, path: context.request.url.path }))
  await asker(rateLimit({ name: 'a', limit: 2, per: '1m', clock }), clock)('/x')
  expect(told).toEqual([
    {
      path: '/x',
      verdict: {
        allowed: true,
        source: 'store',
        policies: [{ name: 'a', capacity: 2, remaining: 1, resetMs: 30_000, allowed: true }],
      },
    },
  ])
  undo()
})

test('answers in its own way where it is told to, with the fields all the same', async () => {
  const clock = virtualClock()
  const seen: unknown[] = []
  const onLimited = async (_: object, verdict: object) => {
    seen.push(verdict)
    return text('slow down', 420)
  }
  const ask = asker(rateLimit({ name: 'a', limit: 1, per: '1m', onLimited, clock }), clock)
  await ask()
  const reply = await ask()
  expect([reply.status, reply.headers.get('retry-after'), reply.headers.get('ratelimit')]).toEqual([420, '60', '"a";r=0;t=60'])
  expect(seen).toMatchObject([{ allowed: false, reason: 'quota', violated: ['a'], retryAfterMs: 60_000, source: 'store' }])
})

describe('refund', () => {
  test('gives back what requests cost that end with a status', async () => {
    const clock = virtualClock()
    let status = 200
    const layer = rateLimit({ limit: 2, per: '1h', refund: (found) => found < 400, clock })
    const ask = asker(layer, clock, () => json({}, status))
    expect(await statuses(ask, 5)).toEqual([200, 200, 200, 200, 200])
    status = 401
    expect(await statuses(ask, 3)).toEqual([401, 401, 429])
  })

  test('also what ends with an error', async () => {
    const clock = virtualClock()
    const layer = rateLimit({ limit: 2, per: '1h', refund: [502, 504], clock })
    const next = () => {
      throw new GatewayError('UPSTREAM_RESET')
    }
    expect(await statuses(asker(layer, clock, next), 5)).toEqual([502, 502, 502, 502, 502])
  })

  test('gives back once, though a reply is told of twice', async () => {
    const clock = virtualClock()
    const store = new FarStore(clock)
    const layer = rateLimit({ limit: 2, per: '1h', refund: [200], store, clock })
    await asker(layer, clock)()
    expect(store.given.map(({ cost }) => cost)).toEqual([1])
  })
})

describe('settle', () => {
  test('sets what a request has really cost, less or more, and the last call counts', async () => {
    const clock = virtualClock()
    let actual: readonly number[] = []
    const limited = chain()
      .use(rateLimit({ limit: 100, per: '1h', cost: 10, as: 'tokens', clock }))
      .to(async (ctx) => {
        for (const cost of actual) await ctx.state.tokens.settle(cost)
        return json({})
      })
    const left = async () => (await call(limited, '/', { clock })).headers.get('ratelimit')?.match(/r=(\d+)/)?.[1]
    expect(await left()).toBe('90')
    actual = [4]
    expect(await left()).toBe('80')
    expect(await left()).toBe('76')
    actual = [30, 20]
    expect(await left()).toBe('72')
    actual = []
    expect(await left()).toBe('52')
  })

  test('of several policies, those that are named', async () => {
    const clock = virtualClock()
    const limited = chain()
      .use(
        rateLimit({
          policies: [
            { name: 'requests', limit: 10, per: '1h', algorithm: 'fixed' },
            { name: 'tokens', limit: 1_000, per: '1h', algorithm: 'fixed', cost: 400 },
          ],
          as: 'usage',
          clock,
        }),
      )
      .to(async (ctx) => {
        await ctx.state.usage.settle({ tokens: 100 })
        return json({})
      })
    const left = async () => (await call(limited, '/', { clock })).headers.get('ratelimit')?.replaceAll(/;t=\d+/g, '')
    expect(await left()).toBe('"requests";r=9, "tokens";r=600')
    expect(await left()).toBe('"requests";r=8, "tokens";r=500')
  })

  test('of a policy whose name is that of something that every object has, when it is named', async () => {
    const clock = virtualClock()
    const limited = chain()
      .use(rateLimit({ name: 'constructor', limit: 10, per: '1h', as: 'usage', clock }))
      .to(async (ctx) => {
        await ctx.state.usage.settle({})
        await ctx.state.usage.settle({ constructor: 4 })
        return json({})
      })
    const left = async () => (await call(limited, '/', { clock })).headers.get('ratelimit')?.match(/r=(\d+)/)?.[1]
    expect([await left(), await left()]).toEqual(['9', '5'])
  })

  test('also when the reply went out long ago', async () => {
    const clock = virtualClock()
    const store = new FarStore(clock)
    const layer = rateLimit({ name: 'a', limit: 100, per: '1h', algorithm: 'fixed', cost: 10, as: 'tokens', store, clock })
    const side = exchange('/', { clock })
    let settle: ((cost: number) => unknown) | undefined
    await side.ask(layer as never, (ctx) => {
      settle = (cost) => (ctx.state as { tokens: { settle(cost: number): unknown } }).tokens.settle(cost)
      return json({})
    })
    expect(side.summary?.outcome).toBe('finished')
    await settle?.(25)
    expect(store.given).toMatchObject([{ key: '127.0.0.1', cost: -15 }])
  })

  test('refuses what is no cost', () => {
    const clock = virtualClock()
    const limited = chain()
      .use(rateLimit({ limit: 100, per: '1h', as: 'tokens', clock }))
      .to((ctx) => {
        for (const cost of [Number.NaN, Number.POSITIVE_INFINITY, 1e300, -1, '5' as never])
          expect(() => ctx.state.tokens.settle(cost)).toThrow(/must be a number that is not negative/)
        return json({})
      })
    return call(limited, '/', { clock })
  })

  test('is there, and does nothing, for who is let pass', async () => {
    const clock = virtualClock()
    const limited = chain()
      .use(rateLimit({ limit: 1, per: '1h', allow: () => true, as: 'tokens', clock }))
      .to(async (ctx) => {
        await ctx.state.tokens.settle(100)
        return json(ctx.state.tokens.verdict)
      })
    expect(await bodyJson(await call(limited, '/', { clock }))).toEqual({ allowed: true, policies: [], source: 'none' })
  })
})

describe('options', () => {
  test.each<[object, RegExp]>([
    [{}, /rateLimit: limit must be a whole number from 1 to 1000000000 \(got undefined\)/],
    [{ limit: 1 }, /per must be a duration such as '10s' or '1m', or day, week or month/],
    [{ limit: 1, per: '1 minute' }, /per must be a duration/],
    [{ limit: 1, algorithm: 'concurrency', per: '1s' }, /per must be left out: concurrency is a limit at any time/],
    [{ limit: 1, algorithm: 'concurrency', cost: 2 }, /cost must be left out: concurrency counts requests/],
    [{ limit: 1, per: 'day', algorithm: 'fixed' }, /algorithm must be left out with a day of the calendar/],
    [{ limit: 1, per: '1s', algorithm: 'fixed', burst: 2 }, /burst must be left out: only gcra has a burst/],
    [{ limit: 1, per: 'month', burst: 2 }, /burst must be left out/],
    [{ limit: 1, policies: [{ limit: 1, per: '1s' }] }, /limit must be left out where there are policies/],
    [{ name: 'a', policies: [{ limit: 1, per: '1s' }] }, /name must be left out where there are policies/],
    [
      {
        policies: [
          { limit: 1, per: '1s' },
          { limit: 1, per: '1000ms' },
        ],
      },
      /policies\[1\]\.name must be the name of one policy only \(got "1-per-1s"\)/,
    ],
    [{ policies: [{ limit: 1 }] }, /policies\[0\]\.per must be/],
    [{ limit: 1, per: '1s', wait: { size: 5 } }, /wait must be left out where nobody waits/],
    [{ limit: 1, per: '1s', bust: 3 }, /bust is not an option; did you mean burst/],
  ])('%o that do not go together stop the start', (options, message) => {
    expect(() => rateLimit(options as never)).toThrow(message)
  })

  test('the key and the cost of the limiter hold for policies that say nothing else', async () => {
    const clock = virtualClock()
    const layer = rateLimit({ policies: [{ limit: 4, per: '1h' }], key: () => 'all', cost: 2, clock })
    const ask = asker(layer, clock)
    expect([(await ask({ client: '192.0.2.1' })).status, (await ask()).status, (await ask()).status]).toEqual([200, 200, 429])
  })
})
