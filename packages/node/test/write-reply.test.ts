import { createReadStream } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import { empty, GatewayError, HeaderList, json, PushSource, type Reply, text } from '@gatelet/core'
import { parseResponses, rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { head, later, serving, until } from './serving.ts'

const idle = { pause() {}, resume() {}, cancel() {} }

function reply(body: Reply['body'], status = 200, headers: Record<string, string> = {}): Reply {
  return { status, headers: new HeaderList(headers), body }
}

async function answerTo(made: () => Reply, line = 'GET /') {
  await using server = await serving(made)
  const { responses, text: all, closed } = await rawRequest(server.port, head(line, 'Connection: close\r\n'))
  const [outcome] = await server.ended(1)
  return { response: responses[0], responses, all, closed, outcome, length: responses[0]?.headers.get('content-length') }
}

describe('a body that is whole', () => {
  test.for<[string, () => Reply['body'], string]>([
    ['a string', () => 'grüße', 'grüße'],
    ['bytes', () => Buffer.from('bytes'), 'bytes'],
    ['nothing', () => null, ''],
    ['an empty string', () => '', ''],
    ['a source that has everything', () => whole('all'), 'all'],
  ])('goes out with its length: %s', async ([, body, expected]) => {
    const { response, length, outcome } = await answerTo(() => reply(body()))
    expect([response?.text, length, outcome]).toEqual([expected, String(Buffer.byteLength(expected)), 'finished 200'])
  })

  test('goes out in one piece with the head', async () => {
    await using server = await serving(() => text('small'))
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    // The first piece to arrive that has any of it has all of it.
    await client.read(1)
    expect(client.received.toString().endsWith('\r\n\r\nsmall')).toBe(true)
  })

  test('has the length that it has, whatever a layer announced', async () => {
    const { response, responses, length } = await answerTo(() => reply('four', 200, { 'content-length': '9' }))
    expect([response?.text, length, responses.length]).toEqual(['four', '4', 1])
  })

  test('keeps header values of the upper half of latin1 as they are', async () => {
    const { all } = await answerTo(() => reply('é', 200, { 'x-name': 'caf\xe9' }))
    expect(all).toContain('x-name: caf\xe9\r\n')
  })

  test('does not lose header fields that come several times', async () => {
    const cookies = new HeaderList([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
    const { response } = await answerTo(() => ({ status: 200, headers: cookies, body: null }))
    expect(response?.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })
})

describe('framing that a layer put into a reply', () => {
  test('is replaced by what is true', async () => {
    const { response, all } = await answerTo(() =>
      reply('hello', 200, { 'transfer-encoding': 'gzip', 'keep-alive': 'timeout=5' }),
    )
    expect([response?.text, /transfer-encoding|keep-alive:/i.test(all)]).toEqual(['hello', false])
  })

  test('ends the connection when it says so', async () => {
    await using server = await serving(() => reply('bye', 200, { connection: 'close' }))
    const { responses, closed } = await rawRequest(server.port, head('GET /1') + head('GET /2'))
    expect([responses.length, responses[0]?.headers.getAll('connection'), closed]).toEqual([1, ['close'], 'end'])
  })
})

describe('replies without content', () => {
  test.for([204, 205, 304])('%i carries none, and its body is cancelled', async (status) => {
    let cancelled = false
    const body = () => new PushSource({ ...idle, cancel: () => (cancelled = true) })
    const { response, length, all } = await answerTo(() => reply(body(), status, { etag: '"1"' }))
    expect([response?.status, all.endsWith('\r\n\r\n'), cancelled]).toEqual([status, true, true])
    expect(length).toBe(status === 205 ? '0' : undefined)
    expect(all).not.toMatch(/transfer-encoding/i)
  })

  test('a 304 keeps the length that it came with, a 204 does not', async () => {
    expect((await answerTo(() => reply(null, 304, { 'content-length': '7' }))).length).toBe('7')
    expect((await answerTo(() => reply(null, 204, { 'content-length': '7' }))).length).toBeUndefined()
  })

  test.for<[string, () => Reply, string | undefined]>([
    ['of the body that a GET would have', () => text('hello'), '5'],
    ['that it came with', () => reply(null, 200, { 'content-length': '12' }), '12'],
    ['of a source that knows its length', () => reply(sized(9)), '9'],
    ['that nobody knows: none', () => reply(later('x')), undefined],
  ])('the answer to a HEAD has the length %s', async ([, made, expected]) => {
    const { all, length, outcome } = await answerTo(made, 'HEAD /')
    expect([length, all.endsWith('\r\n\r\n'), outcome]).toEqual([expected, true, 'finished 200'])
  })

  test('the connection goes on after them', async () => {
    await using server = await serving((ctx) => (ctx.request.method === 'HEAD' ? reply(later('no')) : empty()))
    await using client = await rawClient(server.port)
    client.write(head('HEAD /') + head('GET /') + head('HEAD /'))
    expect([
      (await client.response(true)).status,
      (await client.response()).status,
      (await client.response(true)).status,
    ]).toEqual([200, 204, 200])
  })
})

describe('a body that comes bit by bit', () => {
  test('is chunked, and the connection goes on', async () => {
    await using server = await serving(() => reply(later('one ', 'two')))
    await using client = await rawClient(server.port)
    for (let i = 0; i < 2; i++) {
      client.write(head('GET /'))
      const response = await client.response()
      expect([response.text, response.headers.get('transfer-encoding')]).toEqual(['one two', 'chunked'])
    }
  })

  test('keeps the length that was announced for it', async () => {
    const { response, length } = await answerTo(() => reply(later('one ', 'two'), 200, { 'content-length': '7' }))
    expect([response?.text, length, response?.headers.has('transfer-encoding')]).toEqual(['one two', '7', false])
  })

  test('can be a Node stream', async () => {
    const { response, outcome } = await answerTo(() => reply(Readable.from([Buffer.from('from '), Buffer.from('node')])))
    expect([response?.text, outcome]).toEqual(['from node', 'finished 200'])
  })

  test('sends its head before the first byte is there', async () => {
    const body = new PushSource(idle)
    await using server = await serving(() => reply(body, 200, { 'content-type': 'text/event-stream' }))
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await client.read('\r\n\r\n')
    body.push(Buffer.from('data: 1\n\n'))
    await client.read('data: 1\n\n')
    body.push(Buffer.from('data: 2\n\n'))
    await client.read('data: 2\n\n')
    body.end()
    await client.read('0\r\n\r\n')
  })

  test('brings its trailers', async () => {
    const body = new PushSource({ ...idle, start: () => body.push(Buffer.from('x')) })
    await using server = await serving(() => reply(body, 200, { trailer: 'x-sum' }))
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await client.read('1\r\nx')
    body.end(new HeaderList({ 'x-sum': 'abc', 'content-length': '3', 'transfer-encoding': 'chunked' }))
    await client.read('\r\n\r\n')
    const response = parseResponses(client.received, { isClosed: false })[0]
    expect([response?.headers.get('trailer'), [...(response?.trailers ?? [])]]).toEqual(['x-sum', [['x-sum', 'abc']]])
  })

  test('waits while the client takes nothing, and loses nothing', async () => {
    const size = 64 * 1024
    let made = 0
    let isPaused = false
    const pump = () => {
      for (isPaused = false; made < 400 && !isPaused; ) {
        made++
        if (!body.push(Buffer.alloc(size, made & 0xff))) isPaused = true
      }
      if (made === 400) body.end()
    }
    const body = new PushSource({ start: () => setImmediate(pump), pause: () => (isPaused = true), resume: pump, cancel() {} })
    await using server = await serving(() => reply(body))
    const response = await new Promise<IncomingMessage>((resolve) => request(server.url, resolve).end())
    await until(() => isPaused)
    expect(made).toBeLessThan(400)
    let bytes = 0
    let last = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      last = chunk.at(-1) as number
    }
    expect([bytes, last]).toEqual([400 * size, 400 & 0xff])
  })
})

describe('a body that breaks off', () => {
  const breaking = (error: Error, fields: Record<string, string> = {}) => {
    const body = new PushSource({ ...idle, start: () => body.push(Buffer.from('part')) })
    return { made: () => reply(body, 200, fields), fail: () => body.fail(error) }
  }

  test.for<[string, string, Record<string, string>, string]>([
    ['in chunks', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', {}, '4\r\npart\r\n'],
    ['with a length', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', { 'content-length': '9' }, 'part'],
    ['to the end of the connection', 'GET / HTTP/1.0\r\n\r\n', {}, 'part'],
  ])('%s never looks whole', async ([kind, request, fields, last]) => {
    const { made, fail } = breaking(new GatewayError('UPSTREAM_RESET'), fields)
    await using server = await serving(made)
    await using client = await rawClient(server.port)
    client.write(request)
    await client.read('part')
    fail()
    const closed = await client.left()
    expect(client.received.toString().endsWith(last)).toBe(true)
    if (kind === 'to the end of the connection') expect(closed).toBe('reset')
    expect(await server.ended(1)).toEqual(['failed 200'])
    expect(server.finished[0]?.summary.error).toMatchObject({ code: 'UPSTREAM_RESET' })
  })

  test('before its first byte becomes an error reply', async () => {
    const body = () => {
      const source = new PushSource(idle)
      source.fail(new GatewayError('UPSTREAM_BODY_TIMEOUT'))
      return source
    }
    const { response, outcome } = await answerTo(() => reply(body()))
    expect([response?.status, JSON.parse(response?.text ?? '').code, outcome]).toEqual([
      504,
      'UPSTREAM_BODY_TIMEOUT',
      'finished 504',
    ])
  })

  test('by having more bytes than announced is broken off', async () => {
    const { response, all, outcome } = await answerTo(() => reply(later('12345', '678'), 200, { 'content-length': '6' }))
    expect([response?.complete, all.includes('678'), outcome]).toEqual([false, false, 'failed 200'])
  })

  test('by having fewer bytes than announced is broken off', async () => {
    const { response, outcome } = await answerTo(() => reply(later('123'), 200, { 'content-length': '6' }))
    expect([response?.complete, outcome]).toEqual([false, 'failed 200'])
  })

  test('because a file is missing does not end the process', async () => {
    const { outcome } = await answerTo(() => reply(createReadStream('/nowhere/at/all')))
    expect(outcome).toMatch(/^failed 200|^finished 500/)
  })
})

describe('replies that cannot be sent', () => {
  const raw = (...fields: string[]) => HeaderList.fromRaw(fields)

  test.for<[string, HeaderList]>([
    ['a line break in a value', raw('x', 'a\r\nset-cookie: b')],
    ['a name that is none', raw('a b', 'c')],
    ['a value that is none', raw('x', undefined as unknown as string)],
  ])('%s becomes one 500', async ([, headers]) => {
    const { responses, outcome, all } = await answerTo(() => ({ status: 200, headers, body: 'x' }))
    expect(responses.map(({ status, reason, text }) => [status, reason, JSON.parse(text).code])).toEqual([
      [500, 'Internal Server Error', 'BAD_HEADER'],
    ])
    expect([outcome, all.includes('set-cookie')]).toEqual(['finished 500', false])
  })

  test('a streamed body is cancelled then', async () => {
    let cancelled = 0
    const body = new PushSource({ ...idle, cancel: () => cancelled++ })
    const { response } = await answerTo(() => ({ status: 200, headers: raw('x', '\0'), body }))
    expect([response?.status, cancelled]).toEqual([500, 1])
  })

  test('a body that was read already becomes a 500', async () => {
    const body = later('x')
    body.pipeTo({ write: () => true, end() {}, fail() {} })
    const { response } = await answerTo(() => reply(body))
    expect([response?.status, JSON.parse(response?.text ?? '').code]).toEqual([500, 'BODY_USED'])
  })

  test('an upgrade that nobody asked for becomes a 500', async () => {
    const { response } = await answerTo(() => ({ ...json({}), upgrade() {} }))
    expect([response?.status, JSON.parse(response?.text ?? '').code]).toEqual([500, 'BAD_REPLY'])
  })

  test.for([99, 600, 200.5, 'x', undefined])('the status %s becomes a 500', async (status) => {
    const { response } = await answerTo(() => ({ ...text('x'), status: status as number }))
    expect(response?.status).toBe(500)
  })

  test('what a handler throws tells the client nothing of it', async () => {
    const { response, all } = await answerTo(() => {
      throw new Error('secret at 10.0.0.1')
    })
    expect([response?.status, all.includes('secret')]).toEqual([500, false])
  })
})

describe('interim answers', () => {
  test('are sent before the reply, with any header', async () => {
    await using server = await serving((ctx) => {
      ctx.inform(
        103,
        new HeaderList([
          ['link', '</a.css>; rel=preload'],
          ['link', '</b.js>; rel=preload, </c>; rel=next'],
          ['x-any', '1'],
        ]),
      )
      ctx.inform(102, new HeaderList())
      return text('done')
    })
    const { responses } = await rawRequest(server.port, head('GET /', 'Connection: close\r\n'))
    expect(responses.map(({ status }) => status)).toEqual([103, 102, 200])
    expect([...(responses[0]?.headers ?? [])]).toHaveLength(3)
  })

  test('are not sent to HTTP/1.0, after the head, nor before an earlier reply', async () => {
    const late = new PushSource(idle)
    await using server = await serving(async (ctx) => {
      if (ctx.request.target === '/first') return reply(late)
      ctx.inform(103, new HeaderList({ link: '<x>' }))
      return text('done')
    })
    expect((await rawRequest(server.port, 'GET / HTTP/1.0\r\n\r\n')).responses.map(({ status }) => status)).toEqual([200])
    await using client = await rawClient(server.port)
    client.write(head('GET /first') + head('GET /second', 'Connection: close\r\n'))
    await client.read('\r\n\r\n')
    late.end()
    await client.left()
    expect(client.received.toString()).not.toContain('103')
  })
})

function whole(content: string): PushSource {
  const source = new PushSource(idle)
  source.push(Buffer.from(content))
  source.end()
  return source
}

function sized(length: number): PushSource {
  const source = new PushSource(idle)
  source.length = length
  return source
}
