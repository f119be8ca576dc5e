import { proxy } from '@gatelet/proxy'
import { baseline, type Origin, type OriginFarm, origins, type RawScript, rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { between, gateway } from './support/gateway.ts'
import { ledger } from './support/ledger.ts'

const only = (farm: OriginFarm) => farm.servers[0] as Origin
const get = (path = '/', ...fields: string[]) => [`GET ${path} HTTP/1.1`, 'Host: shop.example', ...fields, '', ''].join('\r\n')

/** Answers every request of every connection with the same bytes. */
const always =
  (bytes: string): RawScript =>
  async (connection) => {
    for (;;) {
      await connection.read('\r\n\r\n')
      connection.write(bytes)
    }
  }

describe('an answer comes to the client as it was given', () => {
  test('of a known length, on a connection that goes on', async () => {
    await using farm = await origins(1)
    await using front = await gateway(proxy(farm.urls[0] as string))
    await using client = await rawClient(front.port)
    for (let i = 0; i < 3; i++) {
      client.write(get(`/${i}`))
      expect(JSON.parse((await client.response()).text)).toMatchObject({ url: `/${i}` })
    }
    expect(only(farm).connections).toBe(1)
  })

  test('in chunks, with trailers', async () => {
    await using room = await between(
      always('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n'),
    )
    await using client = await rawClient(room.port)
    client.write(get('/', 'TE: trailers'))
    const response = await client.response()
    expect(response.text).toBe('hello')
    expect(response.trailers.get('x-sum')).toBe('42')
  })

  test('to a client of HTTP/1.0, in whatever way it was framed', async () => {
    await using room = await between(always('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'))
    const reply = await rawRequest(room.port, 'GET / HTTP/1.0\r\n\r\n')
    expect(reply.responses[0]?.headers.has('transfer-encoding')).toBe(false)
    expect(reply.responses[0]?.text).toBe('hello')
    expect(reply.closed).toBe('end')
  })

  test('without any framing, ended by the close of the upstream', async () => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write('HTTP/1.0 200 OK\r\n\r\nhello')
      connection.end()
    })
    await using client = await rawClient(room.port)
    client.write(get())
    expect((await client.response()).text).toBe('hello')
  })

  test('to a HEAD, with the length that a GET would have, and the connection goes on', async () => {
    await using room = await between(always('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'))
    await using client = await rawClient(room.port)
    for (let i = 0; i < 2; i++) {
      client.write(get().replace('GET', 'HEAD'))
      const response = await client.response(true)
      expect([response.status, response.headers.get('content-length')]).toEqual([200, '5'])
    }
  })

  test('304 with the length of what was not sent, and 204 without any', async () => {
    let bytes = 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n'
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write(bytes)
    })
    await using client = await rawClient(room.port)
    client.write(get())
    const unchanged = await client.response()
    expect([unchanged.status, unchanged.headers.get('content-length'), unchanged.headers.get('etag')]).toEqual([304, '5', '"x"'])
    bytes = 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello'
    client.write(get())
    const nothing = await client.response()
    expect([nothing.status, nothing.headers.get('content-length')]).toEqual([204, undefined])
    expect(room.balancer.open).toBe(0)
  })

  test('event by event', async () => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n')
    })
    await using client = await rawClient(room.port)
    client.write(get())
    // The head does not wait for the first event.
    await client.read('\r\n\r\n')
    for (let i = 0; i < 3; i++) {
      room.upstream.connections[0]?.write(`9\r\ndata: ${i}\n\n\r\n`)
      await client.read(`data: ${i}\n\n`)
    }
  })

  test('after hints, which come first', async () => {
    await using room = await between(
      always(`HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine`),
    )
    const reply = await rawRequest(room.port, get(), { responses: 1 })
    expect(reply.responses.map(({ status }) => status)).toEqual([103, 200])
    expect(reply.responses[0]?.headers.get('link')).toBe('</a.css>; rel=preload')
    expect(reply.responses[1]?.text).toBe('fine')
  })

  test('after a word that it takes a while (RFC 9110 §15.2)', async () => {
    await using room = await between(
      always(`HTTP/1.1 102 Processing\r\nX-Done: half\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine`),
    )
    const reply = await rawRequest(room.port, get(), { responses: 1 })
    expect(reply.responses.map(({ status }) => status)).toEqual([102, 200])
    expect(reply.responses[1]?.text).toBe('fine')
  })

  test('after hints that Node would not write', async () => {
    await using room = await between(
      always(`HTTP/1.1 103 Early Hints\r\nLink: nonsense \xff\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine`),
    )
    const reply = await rawRequest(room.port, get(), { responses: 1 })
    expect(reply.responses.at(-1)?.text).toBe('fine')
  })
})

describe('an answer that breaks off', () => {
  test.each([
    ['Content-Length', 'end', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello'],
    ['Content-Length', 'reset', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello'],
    ['chunks', 'end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['chunks', 'reset', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['chunks', 'end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n'],
    ['chunks', 'reset', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n'],
  ] as const)('(%s, by %s) is seen to be broken at once', async (_, how, bytes) => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write(bytes)
      await connection[how]()
    })
    const reply = await rawRequest(room.port, get())
    expect(reply.closed).not.toBe('open')
    expect(reply.responses[0]?.complete ?? false).toBe(false)
    expect(reply.text).not.toContain('0\r\n\r\n')
    await expect.poll(() => room.balancer.open).toBe(0)
  })

  test('because it stalls is closed, not ended', async () => {
    await using room = await between(
      async (connection) => {
        await connection.read('\r\n\r\n')
        connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      },
      { timeouts: { bodyIdleMs: 50 } },
    )
    const reply = await rawRequest(room.port, get())
    expect(reply.closed).not.toBe('open')
    expect(reply.text).not.toContain('0\r\n\r\n')
  })
})

describe('an answer before the end of the upload', () => {
  const upload = (length: number) => `POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: ${length}\r\n\r\n`

  test.each(['end', 'reset'] as const)('comes to the client, though the upstream closes (%s)', async (how) => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry')
      await connection[how]()
    })
    await using client = await rawClient(room.port)
    client.write(upload(10_000_000))
    const chunk = Buffer.alloc(100_000)
    for (let sent = 0; sent < 2_000_000; sent += chunk.byteLength) client.write(chunk)
    const response = await client.response()
    expect([response.status, response.text]).toEqual([413, 'sorry'])
    await expect.poll(() => room.balancer.open).toBe(0)
    expect(room.balancer.kinds).toEqual(['success'])
  })

  test('streams while the upload goes on', async () => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      await connection.read('THE END')
      connection.write('4\r\ndone\r\n0\r\n\r\n')
    })
    await using client = await rawClient(room.port)
    client.write(upload(100_007))
    client.write('x'.repeat(50_000))
    await client.read('hello')
    client.write(`${'x'.repeat(50_000)}THE END`)
    await client.read('done')
    await client.read('0\r\n\r\n')
  })
})

describe('100 Continue', () => {
  test('is asked for when an upstream is there to take the body', async () => {
    await using farm = await origins(1)
    await using front = await gateway(proxy(farm.urls[0] as string))
    await using client = await rawClient(front.port)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
    await client.read('100 Continue\r\n\r\n')
    client.write('hello')
    expect((await client.response()).status).toBe(200)
    expect(only(farm).requests[0]?.body.toString()).toBe('hello')
  })

  test('is not, when there is none', async () => {
    await using farm = await origins(1)
    await farm.stop(0)
    await using front = await gateway(proxy(farm.urls[0] as string))
    const reply = await rawRequest(
      front.port,
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
      { responses: 1 },
    )
    expect(reply.responses.map(({ status }) => status)).toEqual([502])
  })
})

describe('a client that leaves', () => {
  test.each([
    ['before the headers', 'hang-before-headers', get()],
    ['in the middle of the download', 'hang-mid-body', get()],
    [
      'in the middle of the upload',
      'slow-reader',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    ],
    ['in the middle of a small body', undefined, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello'],
  ] as const)('%s leaves nothing open', async (_, kind, bytes) => {
    const before = baseline()
    {
      await using farm = await origins(1)
      const origin = only(farm)
      origin.fault = kind && { kind }
      const balancer = ledger(farm.urls)
      await using front = await gateway(proxy(balancer))
      for (const how of ['reset', 'destroy'] as const) {
        const client = await rawClient(front.port)
        client.write(bytes)
        const hits = origin.hits
        if (kind !== undefined) await origin.when(() => origin.hits > hits || origin.sockets > 0)
        if (kind === 'hang-mid-body') await client.read('\r\n\r\n')
        if (how === 'reset') await client.reset()
        else await client[Symbol.asyncDispose]()
        if (kind === 'slow-reader') origin.release()
        await origin.when(() => origin.sockets === 0)
        await expect.poll(() => balancer.open).toBe(0)
      }
      expect(balancer.kinds).not.toContain('failure')
    }
    await before.settled()
  })
})

test('two proxies in a row that lead to each other stop at 508', async () => {
  let second = ''
  await using first = await gateway((ctx) => proxyTo(second)(ctx))
  const back = proxy(`http://127.0.0.1:${first.port}`, { via: 'b' })
  await using other = await gateway(back)
  second = `http://127.0.0.1:${other.port}`
  const made = new Map<string, ReturnType<typeof proxy>>()
  function proxyTo(url: string) {
    const handler = made.get(url) ?? proxy(url, { via: 'a' })
    made.set(url, handler)
    return handler
  }
  const reply = await rawRequest(first.port, get(), { responses: 1 })
  expect(reply.responses[0]?.status).toBe(508)
  for (const handler of [...made.values(), back]) await handler.close()
})

test('what the client nominates in Connection does not strip what the proxy adds', async () => {
  await using farm = await origins(1)
  await using front = await gateway(proxy(farm.urls[0] as string, { via: 'me' }))
  const fields = 'Connection: close, x-forwarded-for, via, host, content-length, x-own\r\nX-Own: 1\r\nX-Kept: 1'
  await rawRequest(front.port, `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`)
  expect(only(farm).requests[0]?.headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', via: '1.1 me', 'x-kept': '1' })
  expect(only(farm).requests[0]?.headers).not.toHaveProperty('x-own')
})

test('every byte that Node takes in a field of a request is one that can be sent on', async () => {
  await using farm = await origins(1, { keepRequests: 1 })
  await using front = await gateway(proxy(farm.urls[0] as string))
  const statuses = new Map<number, Set<number>>()
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte)
    for (const field of [`X: a${char}b`, `X${char}Y: a`]) {
      const reply = await rawRequest(front.port, get('/', field, 'Connection: close'))
      const status = reply.responses[0]?.status ?? 0
      statuses.set(status, (statuses.get(status) ?? new Set()).add(byte))
    }
  }
  expect([...statuses.keys()].sort()).toEqual([200, 400])
})

test('trailers of a request end here, and the next request is read where it begins', async () => {
  const seen: string[] = []
  await using room = await between(async (connection) => {
    for (;;) {
      seen.push(await connection.read(/\r\n0\r\n[\s\S]*?\r\n/))
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    }
  })
  await using client = await rawClient(room.port)
  for (let i = 0; i < 2; i++) {
    client.write('POST / HTTP/1.1\r\nHost: a.test\r\nTrailer: X-User\r\nTransfer-Encoding: chunked\r\n\r\n')
    client.write('5\r\nhello\r\n0\r\nX-User: admin\r\n\r\n')
    expect((await client.response()).text).toBe('ok')
  }
  for (const request of seen) {
    expect(request).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)
    expect(request).not.toMatch(/x-user/i)
  }
  expect(seen).toHaveLength(2)
})
