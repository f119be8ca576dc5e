import { chain, text } from '@gatelet/core'
import { type UsageOptions, usage } from '@gatelet/metrics'
import { call, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ask } from './asking.ts'

function counting(options: UsageOptions = {}) {
  const clock = virtualClock()
  const counted = usage({ clock, ...options })
  onTestFinished(() => counted.close())
  const window = (at = 0) => counted.snapshot().windows[at] ?? expect.fail('there is no such window')
  return { clock, counted, window }
}

test('a snapshot tells who used what, and which routes', () => {
  const { clock, counted, window } = counting()
  ask(clock, { consumer: 'ada', route: '/a/*', receivedBytes: 5, sentBytes: 7, durationMs: 10 })
  ask(clock, { consumer: 'ada', route: '/b/*', status: 503, sentBytes: 1, durationMs: 20 })
  ask(clock, { consumer: 'bob', route: '/a/*', status: 499, outcome: 'aborted', durationMs: 30 })
  ask(clock, { route: '/a/*', status: 200, outcome: 'failed', durationMs: 40 })
  ask(clock, { status: 0 })
  expect(window().total).toEqual({
    requests: 4,
    errors: 2,
    aborted: 1,
    receivedBytes: 5,
    sentBytes: 8,
    durationMs: 100,
    byStatus: { '1xx': 0, '2xx': 2, '3xx': 0, '4xx': 1, '5xx': 1 },
  })
  const figures = window().consumers.top.map(({ key, requests, errors, missedAtMost }) => [key, requests, errors, missedAtMost])
  expect(figures).toEqual([
    ['ada', 2, 1, 0],
    ['bob', 1, 0, 0],
    [null, 1, 1, 0],
  ])
  expect(window().routes.top.map(({ key, requests }) => [key, requests])).toEqual([
    ['/a/*', 3],
    ['/b/*', 1],
  ])
  expect(JSON.parse(JSON.stringify(counted.snapshot()))).toEqual(counted.snapshot())
})

test('latency comes as percentiles, without connections that were upgraded', () => {
  const { clock, window } = counting()
  expect(window().latencyMs).toEqual({ p50: 0, p90: 0, p95: 0, p99: 0, max: 0 })
  for (let ms = 1; ms <= 100; ms++) ask(clock, { durationMs: ms })
  ask(clock, { status: 101, durationMs: 1e9 })
  const { p50, p90, p99, max } = window().latencyMs
  for (const [told, real] of [
    [p50, 50],
    [p90, 90],
    [p99, 99],
    [max, 100],
  ] as const) {
    expect(told).toBeGreaterThanOrEqual(real)
    expect(told).toBeLessThanOrEqual(real * 1.01)
  }
})

test('what came is forgotten part by part', async () => {
  const { clock, window } = counting({ windows: [{ name: 'short', lengthMs: 3_000, parts: 3 }] })
  ask(clock, { durationMs: 5_000 })
  await clock.advance(1_000)
  ask(clock)
  ask(clock)
  expect(window()).toMatchObject({ name: 'short', lengthMs: 3_000, partMs: 1_000, series: [0, 1, 2] })
  await clock.advance(1_999)
  expect(window()).toMatchObject({ series: [1, 2, 0], total: { requests: 3 } })
  await clock.advance(1)
  expect(window()).toMatchObject({ series: [2, 0, 0], total: { requests: 2 }, latencyMs: { max: 1 } })
  await clock.advance(1_000)
  expect(window()).toMatchObject({ series: [0, 0, 0], total: { requests: 0 } })
  ask(clock)
  expect(window()).toMatchObject({ series: [0, 0, 1], total: { requests: 1 }, latencyMs: { max: 1 } })
  await clock.advance(1e9)
  expect(window().series).toEqual([0, 0, 0])
})

test('whatever comes, consumers and all others sum to all requests, within their bounds', async () => {
  const traffic = fc.array(
    fc.record({
      consumer: fc.oneof(fc.nat(3), fc.nat(200)),
      sentBytes: fc.nat(1000),
      status: fc.constantFrom(200, 404, 503),
      waitMs: fc.nat(400),
    }),
    { maxLength: 120 },
  )
  await fc.assert(
    fc.asyncProperty(
      traffic,
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 30 }),
      async (requests, watched, top) => {
        const clock = virtualClock()
        const counted = usage({ clock, watched, top, windows: [{ name: 'w', lengthMs: 1_000, parts: 5 }] })
        const came: { consumer: string; at: number; sentBytes: number }[] = []
        for (const { consumer, sentBytes, status, waitMs } of requests) {
          await clock.advance(waitMs)
          ask(clock, { consumer: String(consumer), sentBytes, status })
          came.push({ consumer: String(consumer), at: Math.floor(clock.now() / 200), sentBytes })
        }
        const window = counted.snapshot().windows[0] ?? expect.fail('no window')
        counted.close()
        const inside = came.filter(({ at }) => at > Math.floor(clock.now() / 200) - 5)
        const bytes = inside.reduce((sum, each) => sum + each.sentBytes, 0)
        for (const { top: listed, other } of [window.consumers, window.routes]) {
          expect(listed.reduce((sum, each) => sum + each.requests, other.requests)).toBe(inside.length)
          expect(listed.reduce((sum, each) => sum + each.sentBytes, other.sentBytes)).toBe(bytes)
        }
        expect(window.total.requests).toBe(inside.length)
        const real = new Map<string, number>()
        for (const { consumer } of inside) real.set(consumer, (real.get(consumer) ?? 0) + 1)
        for (const { key, requests, missedAtMost } of window.consumers.top) {
          const exact = real.get(key ?? '') ?? 0
          expect(requests).toBeLessThanOrEqual(exact)
          expect(requests + missedAtMost).toBeGreaterThanOrEqual(exact)
          real.delete(key ?? '')
        }
        for (const exact of real.values()) expect(exact).toBeLessThanOrEqual(window.consumers.unlistedAtMost)
      },
    ),
    { seed: 12, numRuns: 60 },
  )
})

test('any number of consumers takes no more room than is watched', () => {
  const { clock, window } = counting({ watched: 10, top: 1_000 })
  for (let asked = 0; asked < 5_000; asked++) ask(clock, { consumer: `c${asked}` })
  for (let asked = 0; asked < 600; asked++) ask(clock, { consumer: 'busy' })
  const { top, other, unlistedAtMost } = window().consumers
  expect(top).toHaveLength(10)
  expect(top[0]).toMatchObject({ key: 'busy', requests: 600 })
  expect(top[0]?.missedAtMost).toBeLessThanOrEqual(560)
  expect(unlistedAtMost).toBeLessThanOrEqual(560)
  expect(top.reduce((sum, { requests }) => sum + requests, other.requests)).toBe(5_600)
})

test('the request itself, or a layer that knows more, can say who asks', async () => {
  const { clock, counted, window } = counting({ consumer: ({ request }) => request.headers.get('x-tenant') })
  const handler = chain()
    .provide(({ request }) => ({ team: request.url.search.slice(1) }))
    .use(counted.identify(({ state }) => state.team || undefined))
    .to(() => text('x'))
  await call(handler, { url: '/', headers: { 'x-tenant': 't1' } }, { clock })
  await call(handler, { url: '/?blue', headers: { 'x-tenant': 't1' } }, { clock })
  expect(window().consumers.top.map(({ key }) => key)).toEqual(['t1', 'blue'])
})

test('a function that throws leaves the request to nobody known, and a name of any length is one of 256 characters at most', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => warned.mockRestore())
  const { clock, counted, window } = counting({
    consumer: ({ request }) => {
      if (request.url.path === '/bad') throw new Error('no such tenant')
      return request.headers.get('x-tenant')
    },
  })
  const failing = counted.identify(() => {
    throw new Error('not here')
  })
  expect((await call(failing, '/bad', { clock, next: () => text('x') })).status).toBe(200)
  await call(() => text('x'), { url: '/', headers: { 'x-tenant': `${'a'.repeat(5_000)}1` } }, { clock })
  await call(() => text('x'), { url: '/', headers: { 'x-tenant': `${'a'.repeat(5_000)}2` } }, { clock })
  const keys = window().consumers.top.map(({ key }) => key)
  expect(keys[0]).toBe(null)
  expect(new Set(keys).size).toBe(3)
  expect(keys.every((key) => (key ?? '').length <= 256)).toBe(true)
  expect(warned).toHaveBeenCalledTimes(2)
})

test('the handler answers those who may see it, and nobody else', async () => {
  const { clock, counted } = counting()
  ask(clock, { consumer: 'ada' })
  const handler = counted.handler(async ({ request }) => request.headers.get('x-key') === 'secret')
  const headers = { 'x-key': 'secret' }
  const reply = await call(handler, { url: '/usage', headers }, { clock })
  expect(JSON.parse(await reply.text())).toMatchObject({
    windows: [{ name: 'minute', total: { requests: 1 } }, { name: 'hour' }],
  })
  expect(reply.headers.get('cache-control')).toBe('no-store')
  expect((await call(handler, '/usage', { clock })).status).toBe(403)
  expect((await call(handler, { url: '/usage', method: 'POST', headers }, { clock })).status).toBe(405)
  expect(
    (
      await call(
        counted.handler(() => 'no' as never),
        '/usage',
        { clock },
      )
    ).status,
  ).toBe(403)
  expect(() => counted.handler(undefined as never)).toThrow('authorize must be a function')
})

test('nothing is counted once it is closed', () => {
  const { clock, counted, window } = counting()
  counted.close()
  counted.close()
  ask(clock)
  expect(window().total.requests).toBe(0)
  expect(clock.pending).toBe(0)
})
