import { type IncomingRequest, json, PushSource, text } from '@gatelet/core'
import { parseResponses, rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { deferred, head, later, serving, until } from './serving.ts'

const seen = ({ method, url, target, protocol, kind, client, headers }: IncomingRequest) => ({
  method,
  url,
  target,
  protocol,
  kind,
  client,
  raw: headers.raw,
})

test('a layer sees the canonical URL, the raw target and the header fields as they came', async () => {
  await using server = await serving((ctx) => json(seen(ctx.request)))
  const { responses } = await rawRequest(
    server.port,
    'GET /%61/./b/../c?x=%61//y HTTP/1.1\r\nHost: API.Example.com.:80\r\nX-One: 1\r\nx-one: 2\r\nConnection: close\r\n\r\n',
  )
  expect(JSON.parse(responses[0]?.text ?? '')).toEqual({
    method: 'GET',
    url: { scheme: 'http', host: 'api.example.com', path: '/a/c', search: '?x=%61//y' },
    target: '/%61/./b/../c?x=%61//y',
    protocol: '1.1',
    kind: 'request',
    client: { address: '127.0.0.1', peer: '127.0.0.1', viaTrustedProxy: false },
    raw: ['Host', 'API.Example.com.:80', 'X-One', '1', 'x-one', '2', 'Connection', 'close'],
  })
})

test('believes forwarded addresses and schemes from trusted proxies only', async () => {
  const view = (port: number) =>
    rawRequest(port, head('GET /', 'X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n'))
  await using open = await serving((ctx) => json([ctx.request.client.address, ctx.request.url.scheme]))
  await using behind = await serving((ctx) => json([ctx.request.client.address, ctx.request.url.scheme]), {
    trustedProxies: ['127.0.0.0/8'],
  })
  expect((await view(open.port)).responses[0]?.text).toBe('["127.0.0.1","http"]')
  expect((await view(behind.port)).responses[0]?.text).toBe('["192.0.2.7","https"]')
})

test('drops the fields that Connection nominates before a layer sees them', async () => {
  await using server = await serving((ctx) => json(ctx.request.headers.raw))
  const { responses } = await rawRequest(server.port, head('GET /', 'X-User: root\r\nConnection: close, x-user\r\n'))
  expect(JSON.parse(responses[0]?.text ?? '')).toEqual(['Host', 'a.test', 'Connection', 'close'])
})

test('takes an absolute target whose host is that of Host', async () => {
  await using server = await serving((ctx) => text(ctx.request.url.host + ctx.request.url.path))
  const { responses } = await rawRequest(server.port, head('GET http://A.test:80/x', 'Connection: close\r\n'))
  expect(responses[0]?.text).toBe('a.test/x')
})

test('lets doubtful paths through where that is switched on', async () => {
  await using server = await serving((ctx) => text(ctx.request.url.path), { paths: { doubleSlash: true, encodedSlash: true } })
  const { responses } = await rawRequest(server.port, head('GET /a//b%2fc', 'Connection: close\r\n'))
  expect(responses[0]?.text).toBe('/a//b%2Fc')
})

const post = (fields: string, body = '0\r\n\r\n') => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`

// What the client sends, and the code that it gets. Behind each stands a second request, which must never be answered.
const refused: Record<string, [bytes: string, status: number, code: string]> = {
  'Content-Length with Transfer-Encoding': [post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'), 400, 'BAD_FRAMING'],
  'an unknown coding': [post('Transfer-Encoding: xchunked\r\n'), 400, 'BAD_FRAMING'],
  'identity as coding': [post('Transfer-Encoding: identity\r\n'), 400, 'BAD_FRAMING'],
  'chunked before another coding': [post('Transfer-Encoding: chunked, identity\r\n'), 400, 'BAD_FRAMING'],
  'a coding before chunked': [post('Transfer-Encoding: gzip, chunked\r\n'), 400, 'BAD_FRAMING'],
  'two codings': [post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'), 400, 'BAD_FRAMING'],
  'a coding from HTTP/1.0': ['POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'BAD_FRAMING'],
  'two different lengths': [post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'), 400, 'BAD_FRAMING'],
  'the same length twice': [post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400, 'BAD_FRAMING'],
  'a list of lengths': [post('Content-Length: 5, 5\r\n', 'hello'), 400, 'BAD_FRAMING'],
  'an empty length': [post('Content-Length:\r\n'), 400, 'BAD_FRAMING'],
  'a signed length': [post('Content-Length: +5\r\n', 'hello'), 400, 'BAD_FRAMING'],
  'a length in hex': [post('Content-Length: 0x5\r\n', 'hello'), 400, 'BAD_FRAMING'],
  'a length that is no exact number': [post('Content-Length: 9007199254740993\r\n', 'hello'), 400, 'BAD_FRAMING'],
  'a length beyond all bounds': [post('Content-Length: 99999999999999999999\r\n', 'hello'), 400, 'BAD_FRAMING'],
  'two Host fields': ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400, 'BAD_HOST'],
  'the same Host twice': ['GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n', 400, 'BAD_HOST'],
  'no Host': ['GET / HTTP/1.1\r\n\r\n', 400, 'BAD_HOST'],
  'an empty Host': ['GET / HTTP/1.1\r\nHost:\r\n\r\n', 400, 'BAD_HOST'],
  'user information in Host': ['GET / HTTP/1.1\r\nHost: evil.com:x@good.com\r\n\r\n', 400, 'BAD_HOST'],
  'a path in Host': ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400, 'BAD_HOST'],
  'a backslash in Host': ['GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n', 400, 'BAD_HOST'],
  'a space in Host': ['GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'BAD_HOST'],
  'a percent sign in Host': ['GET / HTTP/1.1\r\nHost: a%00b\r\n\r\n', 400, 'BAD_HOST'],
  'a Host of more than 255 characters': [`GET / HTTP/1.1\r\nHost: ${'a'.repeat(256)}\r\n\r\n`, 400, 'BAD_HOST'],
  'a port that is none': ['GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n', 400, 'BAD_HOST'],
  'a target with another host than Host': ['GET http://other/x HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_HOST'],
  'a target of another port than Host': ['GET http://a:81/x HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_HOST'],
  'a fragment': ['GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_TARGET'],
  'a backslash': ['GET /a\\..\\b HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_TARGET'],
  'an encoded NUL': ['GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_TARGET'],
  'a broken percent-encoding': ['GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_TARGET'],
  'an empty segment': ['GET //admin HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_TARGET'],
  'an encoded slash': ['GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_TARGET'],
  'a star for GET': ['GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_TARGET'],
  'HTTP/0.9': ['GET /\r\n\r\n', 400, 'BAD_REQUEST'],
  'HTTP/2.0 in the form of 1.1': ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', 400, 'BAD_REQUEST'],
  TRACE: ['TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'METHOD_NOT_IMPLEMENTED'],
  'OPTIONS *': ['OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'METHOD_NOT_IMPLEMENTED'],
  CONNECT: ['CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 501, 'METHOD_NOT_IMPLEMENTED'],
  'an unknown method': ['FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'METHOD_NOT_IMPLEMENTED'],
  'an unknown expectation': [post('Expect: foo\r\nContent-Length: 5\r\n', 'hello'), 417, 'EXPECTATION_FAILED'],
  'a header that is too large': [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
  'many small headers': [`GET / HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(1500)}\r\n`, 431, 'HEADERS_TOO_LARGE'],
  'more headers than bytes allow': [`GET / HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(10_000)}\r\n`, 431, 'HEADERS_TOO_LARGE'],
  'a space before the colon': ['GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n', 400, 'BAD_REQUEST'],
  'a folded header': ['GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n', 400, 'BAD_REQUEST'],
  'NUL in a header': ['GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400, 'BAD_REQUEST'],
  'a raw byte in the target': ['GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_REQUEST'],
  'bytes that are no HTTP': ['\x16\x03\x01\x02\x00\x01\x00', 400, 'BAD_REQUEST'],
}

describe('what is no acceptable request', () => {
  test.for(Object.entries(refused))(
    '%s is refused, nothing behind it is answered, and no layer runs',
    async ([, [bytes, status, code]]) => {
      let runs = 0
      await using server = await serving(() => {
        runs++
        return text('ran')
      })
      const { responses, closed } = await rawRequest(server.port, `${bytes}GET /second HTTP/1.1\r\nHost: a\r\n\r\n`)
      expect(responses.map((response) => [response.status, JSON.parse(response.text).code])).toEqual([[status, code]])
      expect(responses[0]?.headers.get('content-type')).toBe('application/problem+json')
      expect(responses[0]?.headers.get('connection')).toBe('close')
      expect(closed).not.toBe('open')
      expect(runs).toBe(0)
    },
  )

  test('is told to whoever listens, with exactly one end', async () => {
    await using server = await serving(() => text('ran'))
    await rawRequest(server.port, head('GET /%zz'))
    expect(await server.ended(1)).toEqual(['finished 400'])
    expect(server.finished[0]?.context.request.target).toBe('/%zz')
  })

  test.each(['TRACE /', 'OPTIONS *'])('%s is told nothing of methods, which are for routes to know', async (line) => {
    await using server = await serving(() => text('ran'))
    const { responses } = await rawRequest(server.port, head(line))
    expect(responses[0]?.headers.get('allow')).toBeUndefined()
  })
})

test('an HTTP/1.0 client needs no Host, and gets no chunks and no kept-alive connection', async () => {
  await using server = await serving((ctx) => ({ ...text(''), body: ctx.request.url.host === '' ? later('hello') : null }))
  const { text: all, closed } = await rawRequest(server.port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\nTE: chunked\r\n\r\n')
  expect(all).toMatch(/connection: close\r\n/i)
  expect(all).not.toMatch(/transfer-encoding/i)
  expect(all.endsWith('\r\n\r\nhello')).toBe(true)
  expect(closed).toBe('end')
})

test('answers pipelined requests in their order', async () => {
  await using server = await serving(async (ctx) => {
    if (ctx.request.target === '/slow') await new Promise((resolve) => setImmediate(resolve))
    return text(ctx.request.target)
  })
  await using client = await rawClient(server.port)
  client.write(head('GET /slow') + head('GET /fast') + head('GET /third'))
  expect([(await client.response()).text, (await client.response()).text, (await client.response()).text]).toEqual([
    '/slow',
    '/fast',
    '/third',
  ])
})

test('takes 100 requests at once from a client that pipelines, and closes after the last of them', async () => {
  let runs = 0
  await using server = await serving(async () => {
    runs++
    await new Promise((resolve) => setImmediate(resolve))
    return text('x')
  })
  const { responses, closed } = await rawRequest(server.port, head('GET /').repeat(150))
  expect([responses.length, runs, closed]).toEqual([100, 100, 'end'])
  expect(responses.filter(({ headers }) => headers.get('connection') === 'close')).toHaveLength(1)
})

describe('what is pipelined behind requests that are not answered yet', () => {
  test.for<[string, string]>([
    ['garbage', 'garbage\r\n\r\n'],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'],
    ['a WebSocket handshake', head('GET /ws', 'Connection: upgrade\r\nUpgrade: websocket\r\n')],
    ['a handshake that is to be refused', head('POST /ws', 'Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n')],
    ['h2c', head('GET /h2c', 'Connection: upgrade\r\nUpgrade: h2c\r\n')],
  ])('%s does not overtake their replies, and ends the connection', async ([, behind]) => {
    const go = deferred()
    const body = new PushSource({ start: () => void go.promise.then(pump), pause() {}, resume: pump, cancel() {} })
    let left = 100
    let isFull = false
    function pump(): void {
      while (left > 0) {
        left--
        isFull = !body.push(Buffer.alloc(200_000))
        if (isFull) return
      }
      body.end()
    }
    await using server = await serving((ctx) => ({ ...text(''), body: ctx.request.target === '/first' ? body : null }))
    await using client = await rawClient(server.port)
    client.write(head('GET /first'))
    await client.read('\r\n\r\n')
    client.write(behind)
    client.pause()
    go.resolve()
    await until(() => isFull)
    client.resume()
    await client.left()
    const responses = parseResponses(client.received, { isClosed: true })
    expect(responses.map(({ status, complete, body }) => [status, complete, body.byteLength])).toEqual([[200, true, 20_000_000]])
    expect(await server.ended(1)).toEqual(['finished 200'])
    await until(() => server.connections === 0)
  })

  test('is answered after them, also where one of them wants to be the last', async () => {
    await using server = await serving(async (ctx) => {
      await new Promise((resolve) => setImmediate(resolve))
      return text(ctx.request.target, ctx.request.target === '/1' ? { headers: { connection: 'close' } } : 200)
    })
    const { responses, closed } = await rawRequest(server.port, head('GET /1') + head('GET /2'))
    expect([responses.map((response) => response.text), closed]).toEqual([['/1', '/2'], 'end'])
    expect(responses.map(({ headers }) => headers.get('connection'))).toEqual(['keep-alive', 'close'])
  })
})

test('a request that asks for h2c cannot hide its framing behind header fields that the parser drops', async () => {
  let runs = 0
  await using server = await serving(() => text(String(runs++)))
  const fields = `${'a:\r\n'.repeat(1_100)}Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 60\r\n`
  const { responses } = await rawRequest(server.port, head('POST /', fields) + head('GET /smuggled').padEnd(60))
  expect([responses.map(({ status }) => status), runs]).toEqual([[431], 0])
})
