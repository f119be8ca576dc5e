import { type Context, GatewayError, HeaderList, json, text } from '@gatelet/core'
import { exchange, type RequestLike, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'

const requestOf = (like: RequestLike) => exchange(like).ctx.request

test.each([
  [
    '/a/../b?c=%7e',
    {
      method: 'GET',
      target: '/a/../b?c=%7e',
      url: { scheme: 'http', host: 'localhost', port: undefined, path: '/b', search: '?c=%7e' },
    },
  ],
  ['DELETE /a', { method: 'DELETE', url: { path: '/a', search: '' } }],
  ['M-SEARCH /a', { method: 'M-SEARCH' }],
  ['https://Shop.example:8443/a', { target: '/a', url: { scheme: 'https', host: 'shop.example', port: 8443, path: '/a' } }],
  ['GET https://[::1]', { target: '/', url: { scheme: 'https', host: '[::1]', port: undefined, path: '/' } }],
  ['http://a?b', { target: '/?b', url: { host: 'a', path: '/', search: '?b' } }],
])('%j is a request', (like, expected) => {
  expect(requestOf(like)).toMatchObject({ ...expected, body: null, kind: 'request', protocol: '1.1' })
})

test('everything of a request can be said', () => {
  const request = requestOf({
    method: 'PATCH',
    url: '/a//b',
    headers: [
      ['Host', 'Shop.example'],
      ['X-A', '1'],
      ['x-a', '2'],
    ],
    body: 'hello',
    client: { address: '192.0.2.1', peer: '10.0.0.1', viaTrustedProxy: true },
    protocol: '1.0',
    paths: { doubleSlash: true },
  })
  expect(request).toMatchObject({
    method: 'PATCH',
    url: { host: 'shop.example', path: '/a//b' },
    body: 'hello',
    client: { address: '192.0.2.1', peer: '10.0.0.1', viaTrustedProxy: true },
    protocol: '1.0',
  })
  expect(request.headers.raw).toEqual(['Host', 'Shop.example', 'X-A', '1', 'x-a', '2', 'content-length', '5'])
})

test.each<[what: string, like: RequestLike, headers: [string, string][]]>([
  ['a Host', '/', [['host', 'localhost']]],
  ['the Host of the URL', 'https://a:8443/', [['host', 'a:8443']]],
  [
    'the length of a body',
    { body: 'é' },
    [
      ['host', 'localhost'],
      ['content-length', '2'],
    ],
  ],
  [
    'chunks for a body of unknown length',
    { body: { take: () => undefined, pipeTo: () => ({ pause() {}, resume() {} }), cancel() {} } },
    [
      ['host', 'localhost'],
      ['transfer-encoding', 'chunked'],
    ],
  ],
  [
    'the type of JSON',
    { json: [1] },
    [
      ['host', 'localhost'],
      ['content-type', 'application/json'],
      ['content-length', '3'],
    ],
  ],
  [
    'nothing that is there',
    { body: 'abc', headers: { Host: 'a', 'Content-Length': '7' } },
    [
      ['Host', 'a'],
      ['Content-Length', '7'],
    ],
  ],
  [
    'a WebSocket handshake',
    { kind: 'upgrade' },
    [
      ['host', 'localhost'],
      ['connection', 'Upgrade'],
      ['upgrade', 'websocket'],
      ['sec-websocket-version', '13'],
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ],
  ],
])('adds %s', (_, like, headers) => {
  expect([...requestOf(like).headers]).toEqual(headers)
})

test('a request with a body is a POST unless it says more', () => {
  expect(
    [requestOf({ body: 'x' }), requestOf({ json: 0 }), requestOf({ method: 'PUT', body: 'x' }), requestOf({})].map(
      ({ method }) => method,
    ),
  ).toEqual(['POST', 'POST', 'PUT', 'GET'])
})

test('a client is told by its address alone, and is then its own peer', () => {
  expect(requestOf({ client: '192.0.2.1' }).client).toEqual({ address: '192.0.2.1', peer: '192.0.2.1', viaTrustedProxy: false })
  expect(requestOf('/').client).toEqual({ address: '127.0.0.1', peer: '127.0.0.1', viaTrustedProxy: false })
})

test.each([
  ['a path', '/%zz', 'BAD_TARGET'],
  ['a path without its slash', 'users', 'BAD_TARGET'],
  ['a host', { headers: { host: 'a b' } }, 'BAD_HOST'],
  ['a header', { headers: { 'x y': '1' } }, 'BAD_HEADER'],
])('refuses %s that no adapter lets through', (_, like, code) => {
  expect(() => exchange(like)).toThrow(expect.objectContaining({ code }))
})

test('the client can leave while the handler works', async () => {
  const opened = exchange('/slow')
  const answering = opened.ask((ctx) => new Promise((_, reject) => ctx.onAbort(() => reject(new GatewayError('CLIENT_CLOSED')))))
  opened.abort()
  opened.abort()
  expect(opened.summary).toMatchObject({ outcome: 'aborted', status: 499 })
  expect((await answering).status).toBe(499)
  expect(opened.ctx.signal.aborted).toBe(true)
})

test('the handler can still answer when it is aborted for another reason', async () => {
  const opened = exchange()
  const reason = new GatewayError('DEADLINE_EXCEEDED')
  opened.abort(reason)
  expect(opened.ctx.signal.reason).toBe(reason)
  await opened.ask(() => text('late', 504))
  expect(opened.summary).toMatchObject({ outcome: 'finished', status: 504 })
})

test('a deadline goes by the clock that it is given', async () => {
  const clock = virtualClock()
  const { ctx, finish } = exchange('/', { clock })
  const { signal } = ctx.withDeadline(100)
  await clock.advance(99)
  expect(signal.aborted).toBe(false)
  await clock.advance(1)
  expect(signal.aborted).toBe(true)
  finish()
  expect(clock.pending).toBe(0)
})

test('is finished once, as the test says', () => {
  const { ctx, finish, ...rest } = exchange()
  let times = 0
  ctx.onFinish(() => times++)
  expect(rest.summary).toBeUndefined()
  const opened = exchange()
  opened.finish('failed', 502, 'why')
  opened.finish()
  expect(opened.summary).toMatchObject({ outcome: 'failed', status: 502, error: 'why' })
  finish()
  finish()
  expect(times).toBe(1)
})

test('remembers interim answers', async () => {
  const opened = exchange()
  const reply = await opened.ask((ctx) => {
    ctx.inform(103, new HeaderList({ link: '</a>' }))
    return text('x')
  })
  expect(opened.informed.map(({ status, headers }) => [status, headers.get('link')])).toEqual([[103, '</a>']])
  expect(reply.exchange.informed).toBe(opened.informed)
})

test('work in the background can be awaited', async () => {
  const done: string[] = []
  const opened = exchange('/a', { state: { name: 'ada' } })
  await opened.ask((ctx) => {
    ctx.background(async (later) => {
      await Promise.resolve()
      done.push(later.state.name)
    })
    return text('x')
  })
  await Promise.all(opened.background)
  expect(done).toEqual(['ada'])
})

test('gives its state to what it asks', async () => {
  const opened = exchange('/', { state: { name: 'ada' } })
  const reply = await opened.ask((ctx: Context<{ name: string }>) => json(ctx.state))
  expect(await reply.json()).toEqual({ name: 'ada' })
})
