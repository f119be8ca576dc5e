import { proxy } from '@gatelet/proxy'
import { baseline, call, exchange, rawServer } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { ledger } from './support/ledger.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine'
const CHUNKED = '5\r\nhello\r\n0\r\n\r\n'

interface Outcome {
  readonly status: number
  /** Undefined where the body broke off. */
  readonly body: string | undefined
}

/** What a request gets whose answer is these bytes, and what the one after it gets. */
async function answersTo(bytes: string, method = 'GET'): Promise<{ first: Outcome; second: Outcome }> {
  await using server = await rawServer(async (connection, index) => {
    for (let requests = 0; ; requests++) {
      await connection.read('\r\n\r\n')
      connection.write(index === 0 && requests === 0 ? bytes : OK)
    }
  })
  const balancer = ledger([server.url])
  const handler = proxy(balancer, { timeouts: { headersMs: 900, bodyIdleMs: 900 } })
  const first = await outcome(handler, method)
  const second = await outcome(handler, 'GET')
  expect(balancer.open).toBe(0)
  await handler.close()
  return { first, second }
}

async function outcome(handler: ReturnType<typeof proxy>, method: string): Promise<Outcome> {
  const reply = await call(handler, { method })
  const text = reply.text()
  return { status: reply.status, body: await text.catch(() => undefined) }
}

const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`
const ok = (...fields: string[]) => head('HTTP/1.1 200 OK', ...fields)

test.each([
  ['no HTTP', 'hello world\r\n'],
  ['another protocol', head('HTP/9 200 OK')],
  ['a status of four digits', head('HTTP/1.1 2000 OK', 'Content-Length: 0')],
  ['status 888', `${head('HTTP/1.1 888 What', 'Content-Length: 5')}hello`],
  ['status 600', `${head('HTTP/1.1 600 What', 'Content-Length: 5')}hello`],
  ['status 099', `${head('HTTP/1.1 099 What', 'Content-Length: 5')}hello`],
  ['status 000', head('HTTP/1.1 000 What', 'Content-Length: 0')],
  ['an upgrade that nobody asked for', head('HTTP/1.1 101 Switching', 'Connection: Upgrade', 'Upgrade: x')],
  ['a bare 101', head('HTTP/1.1 101 Switching') + OK],
  ['100 that nobody asked for', head('HTTP/1.1 100 Continue') + OK],
  ['Content-Length before Transfer-Encoding', ok('Content-Length: 5', 'Transfer-Encoding: chunked') + CHUNKED],
  ['Transfer-Encoding before Content-Length', ok('Transfer-Encoding: chunked', 'Content-Length: 5') + CHUNKED],
  ['two lengths', `${ok('Content-Length: 5', 'Content-Length: 6')}hello!`],
  ['the same length twice', `${ok('Content-Length: 5', 'Content-Length: 5')}hello`],
  ['a list of lengths', `${ok('Content-Length: 5, 5')}hello`],
  ['a length with a sign', `${ok('Content-Length: +5')}hello`],
  ['a length in hex', `${ok('Content-Length: 0x5')}hello`],
  ['a length beyond 2^64', `${ok('Content-Length: 99999999999999999999')}hello`],
  ['an empty length', `${ok('Content-Length:')}hello`],
  ['the coding gzip, chunked', ok('Transfer-Encoding: gzip, chunked') + CHUNKED],
  ['the coding chunked twice', ok('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + CHUNKED],
  ['the coding identity', `${ok('Transfer-Encoding: identity')}hello`],
  ['the coding xchunked', `${ok('Transfer-Encoding: xchunked')}hello`],
  ['a folded field', ok('X: a\r\n b', 'Content-Length: 0')],
  ['a bare CR', ok('X: a\rb', 'Content-Length: 0')],
  ['bare LFs', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['NUL in a value', ok('X: a\0b', 'Content-Length: 0')],
  ['a control byte in a value', ok('X: a\x07b', 'Content-Length: 0')],
  ['a space in a name', ok('X y: a', 'Content-Length: 0')],
  ['a space before the colon', ok('X : a', 'Content-Length: 0')],
  ['an empty name', ok(': a', 'Content-Length: 0')],
  ['80 kB of head', ok(`X: ${'x'.repeat(80_000)}`, 'Content-Length: 0')],
  ['5,000 fields', ok(...Array.from({ length: 5_000 }, (_, at) => `X-${at}: 1`), 'Content-Length: 0')],
  ['eleven interim answers', head('HTTP/1.1 103 Early Hints', 'Link: </a>').repeat(11) + OK],
  ['10,000 interim answers', head('HTTP/1.1 102 Processing').repeat(10_000) + OK],
])('%s is 502, and the next request gets its own answer', async (_, bytes) => {
  const { first, second } = await answersTo(bytes)
  expect(first).toEqual({ status: 502, body: expect.stringContaining('"code":"UPSTREAM_BAD_RESPONSE"') })
  expect(second).toEqual({ status: 200, body: 'fine' })
})

test.each([
  ['bytes beyond Content-Length', `${ok('Content-Length: 5')}helloEXTRA`, 'GET', 200, 'hello'],
  ['a second answer behind the first', `${ok('Content-Length: 5')}hello${ok('Content-Length: 4')}evil`, 'GET', 200, 'hello'],
  [
    'a second answer behind the last chunk',
    `${ok('Transfer-Encoding: chunked') + CHUNKED + ok('Content-Length: 4')}evil`,
    'GET',
    200,
    'hello',
  ],
  ['a 204 with a body', `${head('HTTP/1.1 204 No Content', 'Content-Length: 5')}hello`, 'GET', 204, ''],
  ['a 204 with chunks', head('HTTP/1.1 204 No Content', 'Transfer-Encoding: chunked') + CHUNKED, 'GET', 204, ''],
  ['a 304 with the length of what was not sent', head('HTTP/1.1 304 Not Modified', 'Content-Length: 5'), 'GET', 304, ''],
  ['a 304 with a body', `${head('HTTP/1.1 304 Not Modified', 'Content-Length: 5')}hello`, 'GET', 304, ''],
  ['a HEAD with a body', `${ok('Content-Length: 5')}hello`, 'HEAD', 200, ''],
  ['a HEAD with chunks', ok('Transfer-Encoding: chunked') + CHUNKED, 'HEAD', 200, ''],
  ['a HEAD with a whole answer as body', `${ok('Content-Length: 5') + ok('Content-Length: 4')}evil`, 'HEAD', 200, ''],
  [
    'interim answers before the last',
    head('HTTP/1.1 102 Processing') + head('HTTP/1.1 103 Early Hints') + head('HTTP/1.1 199 X') + OK,
    'GET',
    200,
    'fine',
  ],
  ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'GET', 200, 'ok'],
  ['a reason phrase of latin1', 'HTTP/1.1 200 d\xe9j\xe0\r\nContent-Length: 2\r\n\r\nok', 'GET', 200, 'ok'],
])('%s: the client gets what is right, and the next request its own answer', async (_, bytes, method, status, body) => {
  const { first, second } = await answersTo(bytes, method)
  expect(first).toEqual({ status, body })
  expect(second).toEqual({ status: 200, body: 'fine' })
})

test.each([
  ['a chunk size that is none', `${ok('Transfer-Encoding: chunked')}5\r\nhello\r\nzz\r\n`],
  ['a chunk longer than it says', `${ok('Transfer-Encoding: chunked')}2\r\nhello\r\n0\r\n\r\n`],
  ['a length in the trailers', `${ok('Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n`],
  ['chunked in the trailers', `${ok('Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ['a coding in the trailers', `${ok('Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n`],
])('%s breaks the body off, and the next request gets its own answer', async (_, bytes) => {
  const { first, second } = await answersTo(bytes)
  // What the nonsense came with is here at once, so it may be seen before the head goes out.
  expect(first.body === undefined || first.status === 502).toBe(true)
  expect(second).toEqual({ status: 200, body: 'fine' })
})

test('trailers come through, but for those that frame', async () => {
  await using server = await rawServer(async (connection) => {
    await connection.read('\r\n\r\n')
    connection.write(`${ok('Transfer-Encoding: chunked', 'Trailer: X-Sum')}5\r\nhello\r\n0\r\nX-Sum: 42\r\nKeep-Alive: x\r\n\r\n`)
  })
  const reply = await call(proxy(server.url), '/')
  const trailers = await new Promise((resolve, reject) => {
    const { body } = reply
    if (body === null || typeof body !== 'object' || !('pipeTo' in body)) throw new Error('no source')
    body.pipeTo({ write: () => true, end: (list) => resolve(list && [...list]), fail: reject })
  })
  expect(trailers).toEqual([['X-Sum', '42']])
})

test('hints come through, at most ten, without what concerned the connection', async () => {
  await using server = await rawServer(async (connection) => {
    await connection.read('\r\n\r\n')
    connection.write(head('HTTP/1.1 103 Early Hints', 'Link: </a>; rel=preload', 'Connection: x', 'X: 1').repeat(10) + OK)
  })
  const asked = exchange('/')
  const reply = await asked.ask(proxy(server.url))
  expect(await reply.text()).toBe('fine')
  expect(asked.informed).toHaveLength(10)
  expect([...(asked.informed[0]?.headers ?? [])]).toEqual([['Link', '</a>; rel=preload']])
})

test('every byte that an upstream may put into a field either comes through or is 502', async () => {
  let field = ''
  await using server = await rawServer(async (connection) => {
    for (;;) {
      await connection.read('\r\n\r\n')
      connection.write(ok(field, 'Content-Length: 0'))
    }
  })
  const handler = proxy(server.url)
  const passed: number[] = []
  for (let byte = 0; byte < 256; byte++) {
    field = `X: a${String.fromCharCode(byte)}b`
    const reply = await call(handler, '/')
    expect([200, 502], `byte ${byte}`).toContain(reply.status)
    if (reply.status !== 200) continue
    passed.push(byte)
    expect(reply.headers.get('x')).toBe(`a${String.fromCharCode(byte)}b`)
    // What Node would refuse to write to the client must not come so far.
    expect(() => reply.headers.clone().append('y', reply.headers.get('x') as string)).not.toThrow()
  }
  expect(passed).toEqual([9, ...range(0x20, 0x7e), ...range(0x80, 0xff)])
})

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

test('nothing stays open after nonsense', async () => {
  const before = baseline()
  await answersTo('hello world\r\n')
  await answersTo(`${head('HTTP/1.1 888 What', 'Content-Length: 5')}hello`)
  await before.settled()
})
