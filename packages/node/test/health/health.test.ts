import { livez, type ReadyzOptions, readyz, serve } from '@gatelet/node'
import { call, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'

const endpoint = (state: string) => ({ endpoints: [{ state }] })

async function asked(options: ReadyzOptions, request = '/readyz') {
  const reply = await call(readyz(options), request)
  return { status: reply.status, body: await reply.text() }
}

test('a process that runs is alive, whatever else there is', async () => {
  const reply = await call(livez(), '/livez')
  expect([reply.status, await reply.text(), reply.headers.get('cache-control')]).toEqual([200, 'alive\n', 'no-store'])
  expect((await call(livez(), 'POST /livez')).status).toBe(405)
})

test('a server is ready between its start and its close, and closing is seen at once', async () => {
  let server: Awaited<ReturnType<typeof serve>> | undefined
  const clock = virtualClock()
  const ready = readyz({ server: () => server, clock, freshMs: 60_000 })
  expect((await call(ready, '/readyz')).status).toBe(503)
  server = await serve(ready, { port: 0, host: '127.0.0.1', clock })
  expect(await (await fetch(server.url)).text()).toBe('ready\n')
  const closed = server.close({ delayMs: 1_000, graceMs: 1_000 })
  const reply = await fetch(server.url)
  expect([reply.status, await reply.text()]).toEqual([503, 'not ready\n'])
  await clock.advance(1_000)
  await closed
})

test('a balancer needs one endpoint that may be picked', async () => {
  expect(await asked({ balancers: { users: { endpoints: [{ state: 'ejected' }, { state: 'active' }] } } })).toMatchObject({
    status: 200,
  })
  for (const state of ['draining', 'unhealthy', 'ejected'])
    expect(await asked({ balancers: { users: endpoint('active'), orders: endpoint(state) } })).toMatchObject({ status: 503 })
  expect(await asked({ balancers: { none: { endpoints: [] } } })).toMatchObject({ status: 503 })
})

test.each<[string, () => unknown, number]>([
  ['says false', () => false, 503],
  ['throws', () => Promise.reject(new Error('connect 10.0.0.1:6379')), 503],
  [
    'throws at once what is no error',
    () => {
      throw null
    },
    503,
  ],
  ['answers anything else', () => undefined, 200],
  ['says true', async () => true, 200],
])('a check that %s', async (_, check, status) => {
  const { body, ...reply } = await asked({ checks: { store: check, other: () => true } })
  expect(reply.status).toBe(status)
  expect(body).toBe(status === 200 ? 'ready\n' : 'not ready\n')
})

test('checks are asked once for however many ask, and again when that is old', async () => {
  const clock = virtualClock()
  let asked = 0
  let isWell = true
  const ready = readyz({
    clock,
    freshMs: 500,
    checks: {
      store: async () => {
        asked++
        return isWell
      },
    },
  })
  const statuses = async () =>
    (await Promise.all(Array.from({ length: 50 }, () => call(ready, '/readyz', { clock })))).map((reply) => reply.status)
  expect(new Set(await statuses())).toEqual(new Set([200]))
  isWell = false
  await clock.advance(499)
  expect(new Set(await statuses())).toEqual(new Set([200]))
  expect(asked).toBe(1)
  await clock.advance(1)
  expect(new Set(await statuses())).toEqual(new Set([503]))
  expect(asked).toBe(2)
})

test('a check that does not end fails in time, is told so, and is not asked again until it has ended', async () => {
  const clock = virtualClock()
  const ends: (() => void)[] = []
  const signals: AbortSignal[] = []
  const store = (signal: AbortSignal) => {
    signals.push(signal)
    return new Promise<void>((resolve) => ends.push(resolve))
  }
  const ready = readyz({ clock, timeoutMs: 100, freshMs: 0, checks: { store }, verbose: true })
  const first = call(ready, '/readyz?verbose', { clock })
  await clock.advance(100)
  expect(JSON.parse(await (await first).text())).toEqual({
    ready: false,
    serving: true,
    checks: { store: { ok: false, durationMs: 100, reason: 'it took more than 100 ms' } },
  })
  expect(signals[0]?.aborted).toBe(true)
  expect((await call(ready, '/readyz', { clock })).status).toBe(503)
  expect(signals).toHaveLength(1)
  ends[0]?.()
  await clock.advance(0)
  const again = call(ready, '/readyz', { clock })
  await clock.advance(0)
  ends[1]?.()
  expect((await again).status).toBe(200)
  expect(clock.pending).toBe(0)
})

test('only who may see it reads what failed', async () => {
  const checks = { store: () => Promise.reject(new Error('connect 10.0.0.1:6379')) }
  expect((await asked({ checks }, '/readyz?verbose')).body).toBe('not ready\n')
  expect((await asked({ checks, verbose: async () => false }, '/readyz?verbose')).body).toBe('not ready\n')
  expect((await asked({ checks, verbose: true })).body).toBe('not ready\n')
  const options = { checks, verbose: true, balancers: { users: endpoint('active') }, server: () => ({ isDraining: true }) }
  const { status, body } = await asked(options, '/readyz?verbose')
  expect(status).toBe(503)
  expect(JSON.parse(body)).toMatchObject({
    ready: false,
    serving: false,
    checks: { store: { ok: false, reason: 'connect 10.0.0.1:6379' }, users: { ok: true, endpoints: 1 } },
  })
})

test('the methods that change something are refused', async () => {
  expect((await asked({}, 'POST /readyz')).status).toBe(405)
  expect(await asked({}, 'HEAD /readyz')).toMatchObject({ status: 200 })
})
