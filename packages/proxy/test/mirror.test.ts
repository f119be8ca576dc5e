import { chain, type EventMap, GatewayError, type Handler, type Middleware, subscribe, text } from '@gatelet/core'
import { type MirrorOptions, mirror, proxy } from '@gatelet/proxy'
import { createRouter } from '@gatelet/router'
import { call, calls, exchange, type Origin, origins, virtualClock } from '@gatelet/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { trickle } from './support/trickle.ts'

const told: EventMap['request:mirrored'][] = []
let unsubscribe = () => {}
beforeEach(() => {
  told.length = 0
  unsubscribe = subscribe('request:mirrored', (event) => void told.push(event))
})
afterEach(() => unsubscribe())

const outcomes = () => told.map(({ outcome }) => outcome)
const settled = (count: number) => vi.waitFor(() => expect(told).toHaveLength(count))
const front = (to: Handler, options?: MirrorOptions, next: Handler = () => text('ours')) => bound(mirror(to, options), next)
const bound =
  (layer: Middleware, next: Handler): Handler =>
  (ctx) =>
    layer(ctx, next)

test('a copy goes to the mirror, with method, path, headers and body; the client gets the answer of the other', async () => {
  await using farm = await origins(2)
  const [main, shadow] = farm.servers as [Origin, Origin]
  const handler = front(proxy(shadow.url), {}, proxy(main.url))
  const reply = await call(handler, { method: 'POST', url: '/a?b=1', headers: { 'x-a': '1' }, body: 'hello' })
  expect(await reply.json()).toMatchObject({ id: 0 })
  await settled(1)
  for (const { requests } of [main, shadow]) {
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/a?b=1' })
    expect(requests[0]?.headers['x-a']).toBe('1')
    expect(requests[0]?.body.toString()).toBe('hello')
  }
  expect(told[0]).toMatchObject({ outcome: 'answered', status: 200 })
})

test('a copy of a packed body says so', async () => {
  await using farm = await origins(2)
  const [main, shadow] = farm.servers as [Origin, Origin]
  const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' }
  await call(front(proxy(shadow.url), {}, proxy(main.url)), { method: 'POST', headers, body: 'packed' })
  await settled(1)
  for (const { requests } of [main, shadow]) {
    expect(requests[0]?.headers).toMatchObject({ ...headers, 'content-length': '6' })
    expect(requests[0]?.headers['transfer-encoding']).toBe(undefined)
  }
})

test('a body that streams is copied as it passes, and sent when it is whole', async () => {
  await using farm = await origins(2)
  const [main, shadow] = farm.servers as [Origin, Origin]
  const upload = trickle()
  const answering = call(front(proxy(shadow.url), {}, proxy(main.url)), { method: 'POST', body: upload.body })
  upload.push('hel')
  await main.when(() => main.requests[0]?.bodyBytes === 3)
  expect(shadow.hits).toBe(0)
  upload.push('lo')
  upload.end()
  expect((await answering).status).toBe(200)
  await settled(1)
  expect(shadow.requests[0]?.body.toString()).toBe('hello')
  expect(main.requests[0]?.body.toString()).toBe('hello')
})

test('several mirrors get a copy each, of a body that streams too, and each has its own share', async () => {
  await using farm = await origins(3)
  const [main, one, other] = farm.servers as [Origin, Origin, Origin]
  const layers = chain()
    .use(mirror(proxy(one.url)))
    .use(mirror(proxy(other.url)))
  const upload = trickle()
  const answering = call(layers.to(proxy(main.url)), { method: 'POST', body: upload.body })
  upload.push('hel')
  upload.push('lo')
  upload.end()
  expect((await answering).status).toBe(200)
  await settled(2)
  for (const { requests } of [main, one, other]) expect(requests[0]?.body.toString()).toBe('hello')
  const none = chain()
    .use(mirror(proxy(one.url), { share: 0 }))
    .use(mirror(proxy(other.url)))
  await call(none.to(proxy(main.url)), '/')
  await settled(3)
  expect([main.hits, one.hits, other.hits]).toEqual([2, 1, 2])
})

test('stands in one route as well as in front of all', async () => {
  const to = vi.fn<Handler>(() => text('mirror'))
  const router = createRouter()
    .get('/mirrored', mirror(to), () => text('ours'))
    .get('/plain', () => text('ours'))
  for (const url of ['/plain', '/mirrored']) expect(await (await call(router, url)).text()).toBe('ours')
  await settled(1)
  expect(to.mock.calls[0]?.[0].request.url.path).toBe('/mirrored')
})

test('connections to the mirror are used again: its answers are read to their end', async () => {
  await using farm = await origins(1, { handler: (_, res) => void res.end('x'.repeat(200_000)) })
  const handler = front(proxy(farm.urls[0] as string))
  for (let i = 1; i <= 10; i++) {
    await call(handler, '/')
    await settled(i)
  }
  expect(farm.servers[0]?.connections).toBe(1)
})

describe('the client does not notice a mirror that', () => {
  test.each<[string, Handler]>([
    [
      'throws',
      () => {
        throw new GatewayError('INTERNAL')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['answers nonsense', (() => undefined) as never],
    ['cannot be reached', proxy('http://127.0.0.1:1')],
  ])('%s', async (_, to) => {
    expect(await (await call(front(to), '/')).text()).toBe('ours')
    await settled(1)
    expect(outcomes()).toEqual(['failed'])
  })

  test('hangs: it is stopped after its time', async () => {
    await using farm = await origins(1)
    const shadow = farm.servers[0] as Origin
    const clock = virtualClock()
    const handler = front(proxy(shadow.url), { clock, timeoutMs: 100 })
    for (const fault of [{ kind: 'hang-before-headers' }, { kind: 'hang-mid-body' }] as const) {
      told.length = 0
      shadow.fault = fault
      const { hits } = shadow
      expect(await (await call(handler, '/')).text()).toBe('ours')
      await shadow.when(() => shadow.hits === hits + 1)
      await clock.advance(100)
      await settled(1)
      expect(told[0]).toMatchObject({ outcome: 'timeout', durationMs: 100, error: { code: 'DEADLINE_EXCEEDED' } })
      await shadow.when(() => shadow.sockets === 0)
      expect(clock.pending).toBe(0)
    }
  })

  test('is slow with a large upload: the client goes at the pace of its own', async () => {
    await using farm = await origins(2)
    const [main, shadow] = farm.servers as [Origin, Origin]
    shadow.fault = { kind: 'slow-reader' }
    const body = Buffer.alloc(4_000_000, 'x')
    const handler = front(proxy(shadow.url), { maxBodyBytes: 16_000_000, timeoutMs: 50 }, proxy(main.url))
    const upload = trickle()
    const answering = call(handler, { method: 'POST', body: upload.body })
    upload.push(body.toString())
    upload.end()
    expect((await answering).status).toBe(200)
    expect(main.requests[0]?.bodyBytes).toBe(4_000_000)
    await settled(1)
    expect(outcomes()).toEqual(['timeout'])
    shadow.release()
  })
})

test('a client that leaves does not stop a copy that is on its way; one whose body was not whole is not sent', async () => {
  await using farm = await origins(2)
  const [main, shadow] = farm.servers as [Origin, Origin]
  main.fault = { kind: 'hang-before-headers' }
  shadow.fault = { kind: 'hang-before-headers' }
  const handler = front(proxy(shadow.url), {}, proxy(main.url))
  const asked = exchange('/')
  const answering = asked.ask(handler)
  await shadow.when(() => shadow.hits === 1)
  asked.abort()
  await answering
  shadow.release()
  await settled(1)
  expect(outcomes()).toEqual(['answered'])
  const upload = trickle()
  const uploading = exchange({ method: 'POST', body: upload.body })
  const failing = uploading.ask(handler)
  upload.push('hel')
  await main.when(() => main.requests[1]?.bodyBytes === 3)
  uploading.abort()
  await failing
  await settled(2)
  expect(outcomes()).toEqual(['answered', 'skipped'])
  expect(shadow.hits).toBe(1)
})

test('a body that the handler does not read is not mirrored, and its place is free again', async () => {
  const to = vi.fn<Handler>(() => text('mirror'))
  const handler = front(to, { maxInflight: 1 }, () => text('no', 401))
  for (let i = 1; i <= 3; i++) {
    expect((await call(handler, { method: 'POST', body: trickle().body })).status).toBe(401)
    await settled(i)
  }
  expect(outcomes()).toEqual(['skipped', 'skipped', 'skipped'])
  expect(to).not.toHaveBeenCalled()
})

test.each(['known', 'unknown'])('a body that is too long (length %s) goes to the client’s server only', async (length) => {
  await using farm = await origins(1)
  const to = vi.fn<Handler>(() => text('mirror'))
  const upload = trickle(length === 'known' ? 10 : undefined)
  const answering = call(front(to, { maxBodyBytes: 9 }, proxy(farm.urls[0] as string)), { method: 'POST', body: upload.body })
  upload.push('helloworld')
  upload.end()
  expect((await answering).status).toBe(200)
  expect(farm.servers[0]?.requests[0]?.body.toString()).toBe('helloworld')
  await settled(1)
  expect(outcomes()).toEqual(['skipped'])
  expect(to).not.toHaveBeenCalled()
})

test('no more are under way than are allowed', async () => {
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const handler = front(() => gate.then(() => text('mirror')), { maxInflight: 2 })
  await calls(handler, 5)
  expect(outcomes()).toEqual(['skipped', 'skipped', 'skipped'])
  release()
  await settled(5)
  expect(outcomes().slice(3)).toEqual(['answered', 'answered'])
  await call(handler, '/')
  await settled(6)
  expect(outcomes().at(-1)).toBe('answered')
})

test('a share of the requests is mirrored; upgrades never are', async () => {
  const to = vi.fn<Handler>(() => text('mirror'))
  const handler = front(to, { share: 0.25, clock: virtualClock({ seed: 3 }), maxInflight: 1_000 })
  await calls(handler, 1_000)
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(200))
  await vi.waitFor(() => expect(told.length).toBe(to.mock.calls.length))
  expect(to.mock.calls.length).toBeLessThan(300)
  await call(front(to, {}), { kind: 'upgrade' })
  expect(told).toHaveLength(to.mock.calls.length)
})

test('without bodies, the request goes on as it came', async () => {
  const upload = trickle()
  const next = vi.fn<Handler>(() => text('ours'))
  const asked = exchange({ method: 'POST', body: upload.body })
  await asked.ask(front(() => text('mirror'), { maxBodyBytes: 0 }, next))
  expect(next.mock.calls[0]?.[0].request).toBe(asked.ctx.request)
  await call(
    front(() => text('mirror'), { maxBodyBytes: 0 }),
    '/',
  )
  await settled(2)
  expect(outcomes()).toEqual(['skipped', 'answered'])
})
