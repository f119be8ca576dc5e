import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Context, HeaderList, type Reply, text } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import {
  baseline,
  call,
  origins,
  type RawSocket,
  rawClient,
  rawRequest,
  rawServer,
  standstill,
  virtualClock,
} from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { blackHole } from '../support/black-hole.ts'
import { between, gateway } from '../support/gateway.ts'
import { type Ledger, ledger } from '../support/ledger.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const SWITCHED = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`

const handshake = (...more: string[]) =>
  [
    'GET /chat?x=1 HTTP/1.1',
    'Host: shop.example',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${KEY}`,
    'Sec-WebSocket-Version: 13',
    ...more,
    '',
    '',
  ].join('\r\n')

/** Waits until every lease has come back. */
async function allBack(balancer: Ledger): Promise<void> {
  await expect.poll(() => balancer.open, { timeout: 5_000, interval: 5 }).toBe(0)
  expect(balancer.entries.every(({ releases }) => releases === 1)).toBe(true)
}

const accepted = async (connection: RawSocket): Promise<string> => {
  const head = await connection.read('\r\n\r\n')
  connection.write(SWITCHED)
  return head
}

describe('with the ws package at both ends', () => {
  /** @param path of a Unix socket to listen on, instead of a port */
  async function chat(path?: string) {
    const sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: true,
      handleProtocols: (offered) => [...offered].at(-1) ?? false,
    })
    sockets.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
      socket.on('error', () => {})
    })
    sockets.on('headers', (headers) => void headers.push('Set-Cookie: a=1', 'Set-Cookie: b=2'))
    const server = createServer()
    server.on('upgrade', (req, socket, head) =>
      sockets.handleUpgrade(req, socket, head, (ws) => sockets.emit('connection', ws, req)),
    )
    if (path === undefined) server.listen(0, '127.0.0.1')
    else server.listen(path)
    await once(server, 'listening')
    const target =
      path === undefined
        ? `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        : { origin: new URL('http://chat.internal'), socketPath: path }
    const balancer = ledger([target])
    const front = await gateway(proxy(balancer))
    return {
      balancer,
      sockets,
      url: `ws://127.0.0.1:${front.port}/chat`,
      async [Symbol.asyncDispose]() {
        await front[Symbol.asyncDispose]()
        for (const client of sockets.clients) client.terminate()
        server.close()
      },
    }
  }

  test.each([
    ['a port', undefined],
    ['a Unix socket', join(tmpdir(), `gatelet-chat-${process.pid}.sock`)],
  ])('messages come back as they were sent, small and large, text and binary, from %s', async (_, path) => {
    await using room = await chat(path)
    const client = new WebSocket(room.url)
    await once(client, 'open')
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000, 10_000_000]) {
      const message = Buffer.alloc(size, 'ab')
      client.send(message)
      const [echo] = (await once(client, 'message')) as [Buffer]
      expect(echo.equals(message)).toBe(true)
    }
    client.send('grüß dich')
    expect(String((await once(client, 'message'))[0])).toBe('grüß dich')
    expect(room.balancer.open).toBe(1)
    client.close(1000, 'done')
    expect((await once(client, 'close'))[0]).toBe(1000)
    await allBack(room.balancer)
    expect(room.balancer.kinds).toEqual(['success'])
  })

  test('subprotocol, extensions and cookies of the handshake come through', async () => {
    await using room = await chat()
    const client = new WebSocket(room.url, ['v1', 'v2'])
    const upgraded = once(client, 'upgrade')
    await once(client, 'open')
    const [response] = await upgraded
    expect(client.protocol).toBe('v2')
    expect(client.extensions).toContain('permessage-deflate')
    expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    client.terminate()
    await allBack(room.balancer)
  })

  test('ping, pong and the code of a close come through both ways', async () => {
    await using room = await chat()
    const client = new WebSocket(room.url)
    await once(client, 'open')
    client.ping('x')
    expect(String((await once(client, 'pong'))[0])).toBe('x')
    const [server] = [...room.sockets.clients]
    server?.close(4001, 'over')
    const [codeOfClose, reason] = await once(client, 'close')
    expect([codeOfClose, String(reason)]).toEqual([4001, 'over'])
    await allBack(room.balancer)
  })

  test('a hundred at once are a hundred leases, and none when they are gone', async () => {
    const before = baseline()
    {
      await using room = await chat()
      const clients = Array.from({ length: 100 }, () => new WebSocket(room.url))
      await Promise.all(clients.map((client) => once(client, 'open')))
      expect(room.balancer.open).toBe(100)
      for (const client of clients) client.terminate()
      await allBack(room.balancer)
    }
    await before.settled()
  })
})

describe('what the upstream sees of a handshake', () => {
  test('is the handshake, with what a proxy adds, and what concerned the connection made anew', async () => {
    let head = ''
    await using room = await between(
      async (connection) => {
        head = await accepted(connection)
      },
      { via: 'me' },
    )
    await using client = await rawClient(room.port)
    client.write(
      handshake(
        'X-Forwarded-For: 6.6.6.6',
        'Keep-Alive: x',
        'Proxy-Authorization: x',
        'Cookie: a=1',
        'Origin: http://shop.example',
      ),
    )
    await client.read('\r\n\r\n')
    const [first, ...lines] = head.trimEnd().split('\r\n')
    expect(first).toBe('GET /chat?x=1 HTTP/1.1')
    expect(lines.map((line) => line.toLowerCase()).sort()).toEqual(
      [
        `host: 127.0.0.1:${room.upstream.port}`,
        'connection: upgrade',
        'upgrade: websocket',
        `sec-websocket-key: ${KEY}`.toLowerCase(),
        'sec-websocket-version: 13',
        'cookie: a=1',
        'origin: http://shop.example',
        'via: 1.1 me',
        'x-forwarded-for: 127.0.0.1',
        'x-forwarded-host: shop.example',
        'x-forwarded-proto: http',
      ].sort(),
    )
  })

  test('has one Host, whichever was chosen', async () => {
    for (const host of ['preserve', 'other.example'] as const) {
      let head = ''
      await using room = await between(
        async (connection) => {
          head = await accepted(connection)
        },
        { host },
      )
      await using client = await rawClient(room.port)
      client.write(handshake())
      await client.read('\r\n\r\n')
      expect(head.match(/^host: .*$/gim)).toEqual([`host: ${host === 'preserve' ? 'shop.example' : host}`])
    }
  })

  test('a loop is seen here too', async () => {
    await using room = await between(() => {}, { via: 'me' })
    const reply = await rawRequest(room.port, handshake('Via: 1.1 me'))
    expect(reply.responses[0]?.status).toBe(508)
    expect(room.upstream.connections).toHaveLength(0)
  })
})

describe('what is no handshake of WebSocket 13 is refused, and nobody is asked', () => {
  test.each([
    ['no key', { 'sec-websocket-key': '' }, 400],
    ['a short key', { 'sec-websocket-key': 'abcd' }, 400],
    ['version 8', { 'sec-websocket-version': '8' }, 426],
    ['another protocol', { upgrade: 'h2c' }, 400],
  ])('%s', async (_, headers, status) => {
    const balancer = ledger(['http://127.0.0.1:1'])
    const reply = await call(proxy(balancer), { kind: 'upgrade', headers })
    expect(reply.status).toBe(status)
    if (status === 426) expect(reply.headers.get('sec-websocket-version')).toBe('13')
    expect(balancer.entries).toEqual([])
  })

  test('another method', async () => {
    expect((await call(proxy('http://127.0.0.1:1'), { kind: 'upgrade', method: 'POST' })).status).toBe(400)
  })

  test('h2c on the wire is a plain request: the field is dropped', async () => {
    await using farm = await origins(1)
    await using front = await gateway(proxy(farm.urls[0] as string))
    const reply = await rawRequest(
      front.port,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
      { responses: 1 },
    )
    expect(reply.responses[0]?.status).toBe(200)
    expect(farm.servers[0]?.requests[0]?.headers).not.toHaveProperty('upgrade')
    expect(farm.servers[0]?.requests[0]?.headers).not.toHaveProperty('http2-settings')
  })
})

describe('what the upstream says instead of 101', () => {
  test.each([200, 302, 401, 403, 503])('%i comes to the client whole, and no tunnel', async (status) => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write(
        `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\nX-Why: because\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nLocation: /x\r\n\r\nsorry`,
      )
    })
    await using client = await rawClient(room.port)
    client.write(`${handshake()}early bytes`)
    const response = await client.response()
    expect([response.status, response.text]).toEqual([status, 'sorry'])
    expect(response.headers.get('x-why')).toBe('because')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await client.left()).toBe('end')
    await allBack(room.balancer)
    expect(room.balancer.kinds).toEqual([status === 503 ? 'failure' : 'success'])
    expect(room.upstream.connections[0]?.received.toString()).not.toContain('early bytes')
  })

  test('in chunks, too', async () => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write('HTTP/1.1 403 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsorry\r\n0\r\n\r\n')
    })
    await using client = await rawClient(room.port)
    client.write(handshake())
    expect((await client.response()).text).toBe('sorry')
    await allBack(room.balancer)
  })

  test('cut off in the middle is cut off for the client', async () => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write('HTTP/1.1 403 X\r\nContent-Length: 50\r\n\r\nsorry')
      connection.end()
    })
    const reply = await rawRequest(room.port, handshake())
    expect(reply.responses[0]?.complete ?? false).toBe(false)
    await allBack(room.balancer)
  })

  test('that never ends is broken off', async () => {
    await using room = await between(
      async (connection) => {
        await connection.read('\r\n\r\n')
        connection.write('HTTP/1.1 403 X\r\nContent-Length: 50\r\n\r\nsorry')
      },
      { timeouts: { bodyIdleMs: 50 } },
    )
    const reply = await rawRequest(room.port, handshake())
    expect(reply.closed).not.toBe('open')
    expect(reply.responses[0]?.complete ?? false).toBe(false)
    await allBack(room.balancer)
  })

  test.each([
    ['a wrong accept', SWITCHED.replace(ACCEPT, 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=')],
    ['no accept', SWITCHED.replace(/Sec-WebSocket-Accept.*\r\n/, '')],
    ['another protocol', SWITCHED.replace('Upgrade: websocket', 'Upgrade: h2c')],
    ['nonsense', 'hello world\r\n\r\n'],
    ['status 888', 'HTTP/1.1 888 X\r\nContent-Length: 0\r\n\r\n'],
    ['a coding that we would have to undo', 'HTTP/1.1 403 X\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['80 kB of head', `HTTP/1.1 101 X\r\nX: ${'x'.repeat(80_000)}\r\n\r\n`],
  ])('%s is 502', async (_, bytes) => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write(bytes)
    })
    await using client = await rawClient(room.port)
    client.write(handshake())
    const response = await client.response()
    expect([response.status, JSON.parse(response.text).code]).toEqual([502, 'UPSTREAM_BAD_RESPONSE'])
    await allBack(room.balancer)
    expect(room.balancer.kinds).toEqual(['failure'])
    expect(await room.upstream.connections[0]?.left()).toBeDefined()
  })

  test.each(['reset', 'end'] as const)('a %s is 502', async (how) => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      await connection[how]()
    })
    const reply = await rawRequest(room.port, handshake())
    expect(reply.responses[0]?.status).toBe(502)
    await allBack(room.balancer)
    expect(room.balancer.kinds).toEqual(['failure'])
  })

  test('nothing is 504', async () => {
    const clock = virtualClock()
    await using room = await between(() => {}, { clock, timeouts: { headersMs: 1_000 } })
    const answering = rawRequest(room.port, handshake(), { silenceMs: 5_000 })
    await room.upstream.when(() => room.upstream.connections[0]?.received.includes('\r\n\r\n'))
    await clock.advance(1_000)
    const [response] = (await answering).responses
    expect([response?.status, JSON.parse(response?.text ?? '').code]).toEqual([504, 'UPSTREAM_HEADERS_TIMEOUT'])
    await allBack(room.balancer)
    expect(clock.pending).toBe(0)
  })
})

describe('an endpoint that cannot be connected to', () => {
  test('is passed over', async () => {
    await using farm = await origins(1)
    await farm.stop(0)
    await using upstream = await rawServer(async (connection) => void (await accepted(connection)))
    const balancer = ledger([farm.urls[0] as string, upstream.url])
    await using front = await gateway(proxy(balancer))
    await using client = await rawClient(front.port)
    client.write(handshake())
    expect(await client.read('\r\n\r\n')).toContain(' 101 ')
    expect(balancer.kinds).toEqual(['failure', 'success'])
    expect(balancer.open).toBe(1)
  })

  test('alone is 502; all of several are 503', async () => {
    await using farm = await origins(2)
    await Promise.all([farm.stop(0), farm.stop(1)])
    for (const [urls, status] of [
      [farm.urls.slice(0, 1), 502],
      [farm.urls, 503],
    ] as const) {
      const balancer = ledger(urls)
      expect((await call(proxy(balancer), { kind: 'upgrade' })).status).toBe(status)
      expect(balancer.open).toBe(0)
    }
  })

  test('in time is 504', async () => {
    await using full = await blackHole()
    for (const [timeouts, expected] of [
      [{ connectMs: 1_000 }, 'UPSTREAM_CONNECT_TIMEOUT'],
      [{ totalMs: 500 }, 'DEADLINE_EXCEEDED'],
    ] as const) {
      const clock = virtualClock()
      const balancer = ledger([full.url])
      const answering = call(proxy(balancer, { clock, timeouts }), { kind: 'upgrade' })
      await clock.advance(1_000)
      const reply = await answering
      expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([504, expected])
      expect(balancer.open).toBe(0)
      expect(clock.pending).toBe(0)
    }
  })

  test('and headers that Node refuses are an error of ours, and the lease comes back', async () => {
    const balancer = ledger(['http://127.0.0.1:1'])
    const handler = proxy(balancer)
    const bad = (ctx: Context) =>
      handler(ctx.withRequest({ headers: HeaderList.fromRaw([...ctx.request.headers.raw, 'x-bad', 'a\nb']) }))
    expect((await call(bad, { kind: 'upgrade' })).status).toBe(500)
    expect(balancer.open).toBe(0)
    expect(balancer.kinds).toEqual(['cancelled'])
  })

  test('where the endpoint is a function, that answers', async () => {
    const balancer = ledger([{ handler: () => text('no socket here', 400) }])
    expect(await (await call(proxy(balancer), { kind: 'upgrade' })).text()).toBe('no socket here')
    expect(balancer.open).toBe(0)
  })
})

describe('the tunnel', () => {
  test('loses nothing of what either side sent early', async () => {
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write(`${SWITCHED}from upstream`)
      connection.write(await connection.read('from client'))
    })
    await using client = await rawClient(room.port)
    client.write(`${handshake()}from client`)
    await client.read('\r\n\r\n')
    await client.read('from upstream')
    await client.read('from client')
  })

  test('sends nothing of the client before the upstream agreed', async () => {
    let early = ''
    await using room = await between(async (connection) => {
      await connection.read('\r\n\r\n')
      await connection.read('early', 50).catch(() => {})
      early = connection.received.toString()
      connection.write(SWITCHED)
      await connection.read('early')
      connection.write('got it')
    })
    await using client = await rawClient(room.port)
    client.write(`${handshake()}early`)
    await client.read('got it')
    expect(early).not.toContain('early')
  })

  test.each(['client', 'upstream'] as const)('that the %s half-closes stays open the other way', async (side) => {
    await using room = await between(async (connection) => {
      await accepted(connection)
      if (side === 'upstream') {
        connection.end()
        expect(await connection.read('still here')).toBe('still here')
      } else {
        await connection.left()
        connection.write('still here')
      }
      connection.end()
    })
    await using client = await rawClient(room.port)
    client.write(handshake())
    await client.read('\r\n\r\n')
    if (side === 'client') {
      client.end()
      await client.read('still here')
    } else {
      await client.left()
      client.write('still here')
      client.end()
    }
    await allBack(room.balancer)
    expect(room.upstream.errors).toEqual([])
  })

  test.each(['client', 'upstream'] as const)('that the %s resets is closed at the other side', async (side) => {
    await using room = await between(async (connection) => void (await accepted(connection)))
    await using client = await rawClient(room.port)
    client.write(handshake())
    await client.read('\r\n\r\n')
    const upstream = room.upstream.connections[0] as RawSocket
    await (side === 'client' ? client : upstream).reset()
    await (side === 'client' ? upstream : client).left()
    await allBack(room.balancer)
  })

  test.each(['client', 'upstream'] as const)('makes who sends wait when the %s does not read', async (reader) => {
    const total = 64 * 1_048_576
    const chunk = Buffer.alloc(262_144, 'x')
    await using room = await between(async (connection) => void (await accepted(connection)))
    await using client = await rawClient(room.port)
    client.write(handshake())
    await client.read('\r\n\r\n')
    const upstream = room.upstream.connections[0] as RawSocket
    const [from, to] = reader === 'client' ? [upstream, client] : [client, upstream]
    to.pause()
    const rssBefore = process.memoryUsage().arrayBuffers
    const before = to.receivedBytes
    for (let sent = 0; sent < total; sent += chunk.byteLength) from.write(chunk)
    // What the sender holds is its own; what the gateway holds is seen in the reader once it goes on.
    await standstill(() => Math.round(process.memoryUsage().arrayBuffers / 1_048_576))
    expect(process.memoryUsage().arrayBuffers - rssBefore).toBeLessThan(total / 2)
    to.resume()
    await expect.poll(() => to.receivedBytes - before, { timeout: 20_000, interval: 20 }).toBe(total)
  })

  test('is gone when its client leaves during the handshake', async () => {
    await using room = await between(() => {})
    const client = await rawClient(room.port)
    client.write(handshake())
    await room.upstream.when(() => room.upstream.connections[0]?.received.includes('\r\n\r\n'))
    await client.reset()
    expect(await room.upstream.connections[0]?.left()).toBeDefined()
    await allBack(room.balancer)
    expect(room.balancer.kinds).toEqual(['cancelled'])
  })

  test('that a layer dropped is closed at the upstream', async () => {
    await using upstream = await rawServer(async (connection) => void (await accepted(connection)))
    const balancer = ledger([upstream.url])
    const handler = proxy(balancer)
    const dropping = async (ctx: Context): Promise<Reply> => {
      const reply = await handler(ctx)
      expect(reply.status).toBe(101)
      return text('no', 403)
    }
    await using front = await gateway(dropping)
    const reply = await rawRequest(front.port, handshake())
    expect(reply.responses[0]?.status).toBe(403)
    expect(await upstream.connections[0]?.left()).toBeDefined()
    await allBack(balancer)
  })

  test('whose upstream is lost while a layer has the reply is closed', async () => {
    await using upstream = await rawServer(async (connection) => void (await accepted(connection)))
    const balancer = ledger([upstream.url])
    const handler = proxy(balancer)
    await using front = await gateway(async (ctx) => {
      const reply = await handler(ctx)
      await upstream.connections[0]?.reset()
      await allBack(balancer)
      return reply
    })
    await using client = await rawClient(front.port)
    client.write(handshake())
    expect(await client.left()).toBeDefined()
  })

  test('gets what layers and the lease add to its reply', async () => {
    await using upstream = await rawServer(async (connection) => void (await accepted(connection)))
    const balancer = ledger([upstream.url], { replyHeaders: [['set-cookie', 'affinity=0']] })
    const handler = proxy(balancer)
    await using front = await gateway(async (ctx) => {
      const reply = await handler(ctx)
      reply.headers.append('x-layer', '1')
      return reply
    })
    await using client = await rawClient(front.port)
    client.write(handshake())
    const head = await client.read('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 101 /)
    expect(head).toMatch(/\r\nset-cookie: affinity=0\r\n/i)
    expect(head).toMatch(/\r\nx-layer: 1\r\n/i)
    expect(head.match(/^(connection|upgrade):/gim)).toHaveLength(2)
  })
})
