import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2'
import type { Duplex } from 'node:stream'
import { type Context, type Handler, onDrain, type Reply, switchProtocols, text } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { answerOf, session } from './http2-client.ts'
import { codeOf, fields, frame, get, RawHttp2, types, uint32 } from './raw-http2.ts'
import { deferred, echo, serving, until } from './serving.ts'

// RFC 8441.

const END_STREAM = 1
const END_HEADERS = 4

const speaking = { http2: true } as const
const handshake = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':authority': 'a.test',
  ':path': '/chat?x=1',
  'sec-websocket-version': '13',
}

/** Answers a handshake, and does this with the socket. */
function switching(act: (socket: Duplex) => unknown): Handler {
  return () => ({
    ...echo(),
    upgrade(socket, _, headers) {
      switchProtocols(socket, headers)
      act(socket)
    },
  })
}

/** A stream that asks to become a WebSocket, once the server has said that streams may. */
async function asking(client: ClientHttp2Session, more: Record<string, string> = {}): Promise<ClientHttp2Stream> {
  if (!client.remoteSettings?.enableConnectProtocol) await once(client, 'remoteSettings')
  const stream = client.request({ ...handshake, ...more }, { endStream: false })
  stream.on('error', () => {})
  return stream
}

async function opened(client: ClientHttp2Session, more: Record<string, string> = {}) {
  const stream = await asking(client, more)
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  return { stream, headers }
}

describe('a WebSocket on a stream of HTTP/2', () => {
  test('looks to layers as one of HTTP/1.1 does', async () => {
    const seen: Context[] = []
    await using server = await serving((ctx) => {
      seen.push(ctx)
      return echo()
    }, speaking)
    await using client = session(server)
    const { stream } = await opened(client, {
      'sec-websocket-key': 'of the client',
      'sec-websocket-protocol': 'v1',
      cookie: 'a=1',
    })
    stream.close()
    const { kind, method, protocol, target, url, headers, body } = (seen[0] as Context).request
    expect({ kind, method, protocol, target, body }).toEqual({
      ...{ kind: 'upgrade', method: 'GET', protocol: '2', target: '/chat?x=1', body: null },
    })
    expect([url.host, url.path, url.search]).toEqual(['a.test', '/chat', '?x=1'])
    const named = ['connection', 'upgrade', 'sec-websocket-version', 'sec-websocket-protocol', 'host', 'cookie']
    expect(named.map((name) => headers.get(name))).toEqual(['Upgrade', 'websocket', '13', 'v1', 'a.test', 'a=1'])
    expect(headers.getAll('sec-websocket-key')).toEqual([expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/)])
  })

  test('is opened by a 200 with the fields of the 101, less those of HTTP/1.1', async () => {
    await using server = await serving(() => {
      const reply = echo()
      reply.headers.set('sec-websocket-accept', 'x').set('sec-websocket-protocol', 'v1').append('set-cookie', 'a=1')
      reply.headers.append('set-cookie', 'b=2').append('x-name', 'gr\xfc\xdf')
      return reply
    }, speaking)
    await using client = session(server)
    const { stream, headers } = await opened(client)
    stream.close()
    const { date: _, ...others } = headers
    expect(Object.entries(others)).toEqual([
      [':status', 200],
      ['sec-websocket-protocol', 'v1'],
      ['set-cookie', ['a=1', 'b=2']],
      ['x-name', 'gr\xfc\xdf'],
    ])
  })

  test('passes bytes both ways, also those that came before the answer and in the write of the head', async () => {
    const go = deferred()
    await using server = await serving(async () => {
      await go.promise
      const reply: Reply = {
        ...echo(),
        upgrade(socket) {
          socket.write('HTTP/1.1 101 Switching')
          socket.write(' Protocols\r\nx-a: 1\r\n\r\nat once ')
          socket.pipe(socket)
        },
      }
      return reply
    }, speaking)
    await using client = session(server)
    const stream = await asking(client)
    stream.write('early ')
    let received = ''
    stream.on('data', (chunk) => {
      received += chunk
    })
    go.resolve()
    await until(() => received === 'at once early ')
    stream.write('late')
    await until(() => received === 'at once early late')
    stream.end()
    await once(stream, 'close')
    expect([stream.rstCode, await server.ended(1)]).toEqual([0, ['finished 101']])
  })

  test('holds who writes while its client does not read', async () => {
    const socket = deferred<Duplex>()
    await using server = await serving(switching(socket.resolve), speaking)
    await using client = session(server)
    const { stream } = await opened(client)
    stream.pause()
    const taken = await socket.promise
    let isFull = false
    for (let i = 0; i < 1_000 && !isFull; i++) isFull = !taken.write(Buffer.alloc(65_536))
    expect(isFull).toBe(true)
    let drained = false
    taken.on('drain', () => {
      drained = true
    })
    stream.resume()
    await until(() => drained)
    stream.close()
    await server.ended(1)
  })

  test.each([
    ['the client resets', (stream: ClientHttp2Stream) => stream.close(constants.NGHTTP2_CANCEL)],
    ['the client is gone', (_: ClientHttp2Stream, client: ClientHttp2Session) => client.destroy()],
  ])('is over, once, when %s', async (_, act) => {
    let taken: Duplex | undefined
    await using server = await serving(
      switching((socket) => {
        taken = socket
      }),
      speaking,
    )
    await using client = session(server)
    const { stream } = await opened(client)
    act(stream, client)
    expect(await server.ended(1)).toEqual(['finished 101'])
    await until(() => taken?.destroyed)
  })

  test('is reset when the server destroys it, and ended when the server ends it', async () => {
    for (const [how, code] of [
      ['destroy', constants.NGHTTP2_CANCEL],
      ['end', constants.NGHTTP2_NO_ERROR],
    ] as const) {
      await using server = await serving(
        switching((socket) => socket.resume()[how]()),
        speaking,
      )
      await using client = session(server)
      const stream = await asking(client)
      stream.resume().on('end', () => stream.end())
      await once(stream, 'close')
      expect(stream.rstCode).toBe(code)
      expect(await server.ended(1)).toEqual(['finished 101'])
    }
  })

  test('is what the ws package takes for a socket', async () => {
    const sockets = new WebSocketServer({ noServer: true })
    sockets.on('connection', (socket) => socket.send('hello'))
    await using server = await serving((ctx) => {
      const { headers, target: url, method } = ctx.request
      const req = { method, url, headers: Object.fromEntries(headers) }
      return {
        ...echo(),
        upgrade: (socket, first) =>
          sockets.handleUpgrade(req as never, socket, first, (ws) => sockets.emit('connection', ws, req as never)),
      }
    }, speaking)
    await using client = session(server)
    const { stream } = await opened(client)
    let received = ''
    stream.setEncoding('latin1').on('data', (chunk) => {
      received += chunk
    })
    await until(() => received === '\x81\x05hello')
    stream.close()
    await server.ended(1)
  })

  test('that a handler answers with a status gets that, and is closed', async () => {
    await using server = await serving(() => text('not here', 403), speaking)
    await using client = session(server)
    const answer = await answerOf(await asking(client))
    expect([answer.headers[':status'], answer.body, answer.code]).toEqual([403, 'not here', 0])
    expect(await server.ended(1)).toEqual(['finished 403'])
  })

  test.each([
    [
      'an upgrade that throws',
      () => {
        throw new Error('mine')
      },
    ],
    ['one that begins with something else', (socket: { write(text: string): void }) => socket.write('HTTP/1.1 200 OK\r\n\r\n')],
    [
      'a head without an end',
      (socket: { write(text: string): void }) => socket.write(`HTTP/1.1 101 X\r\nx: ${'x'.repeat(70_000)}`),
    ],
    [
      'a field that cannot be sent',
      (socket: { write(text: string): void }) => socket.write('HTTP/1.1 101 X\r\nb@d name: x\r\n\r\n'),
    ],
  ])('%s is a reset', async (_, upgrade) => {
    await using server = await serving(() => ({ ...echo(), upgrade: upgrade as NonNullable<Reply['upgrade']> }), speaking)
    await using client = session(server)
    const stream = await asking(client)
    await until(() => stream.closed)
    expect(stream.rstCode).not.toBe(0)
    await server.ended(1)
  })
})

describe('what is no handshake of a WebSocket on HTTP/2', () => {
  const never: Handler = () => {
    throw new Error('no layer may see it')
  }

  async function statusOf(pseudo: readonly (readonly [string, string])[], end = 0) {
    await using server = await serving(never, speaking)
    await using client = new RawHttp2(server.port)
    client.write(frame('settings', 0, 0), frame('headers', END_HEADERS | end, 1, fields(pseudo)))
    const first = await Promise.race([client.frame('headers'), client.frame('reset'), client.frame('goaway')])
    const ends = await server.ended(first.type === types.headers ? 1 : 0)
    return first.type === types.headers ? ends[0] : codeOf(first)
  }

  const pseudo = [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', '/'],
  ] as const
  const version = ['sec-websocket-version', '13'] as const

  test('a CONNECT without a protocol is 501', async () => {
    expect(await statusOf([pseudo[0], pseudo[3]])).toBe('finished 501')
  })

  test.each(['connect-udp', 'foo', 'WebSocket'])('the protocol "%s" is 501', async (protocol) => {
    const named = pseudo.map(([name, value]) => [name, name === ':protocol' ? protocol : value] as const)
    expect(await statusOf([...named, version])).toBe('finished 501')
  })

  test('one whose stream is closed already, or that has a length, is 400', async () => {
    expect(await statusOf([...pseudo, version], END_STREAM)).toBe('finished 400')
    expect(await statusOf([...pseudo, version, ['content-length', '5']])).toBe('finished 400')
  })

  test.each([
    ['connection', 'upgrade'],
    ['upgrade', 'websocket'],
    ['transfer-encoding', 'chunked'],
    ['keep-alive', 'x'],
    ['proxy-connection', 'x'],
    ['te', 'gzip'],
  ])('the field %s is a protocol error', async (name, value) => {
    expect(await statusOf([...pseudo, version, [name, value]])).toBe(constants.NGHTTP2_PROTOCOL_ERROR)
  })

  test.each([':scheme', ':path', ':authority'])('without %s it is a protocol error', async (missing) => {
    const rest = pseudo.filter(([name]) => name !== missing)
    expect([constants.NGHTTP2_PROTOCOL_ERROR, 'finished 400']).toContain(await statusOf([...rest, version]))
  })

  test('a :protocol on another method is a protocol error', async () => {
    const named = pseudo.map(([name, value]) => [name, name === ':method' ? 'GET' : value] as const)
    expect(await statusOf([...named, version])).toBe(constants.NGHTTP2_PROTOCOL_ERROR)
  })
})

test('many reset WebSockets are as bad as many reset requests', async () => {
  await using server = await serving(() => echo(), { http2: { maxResets: 3 } })
  await using client = new RawHttp2(server.port)
  const head = Object.entries(handshake)
  for (let id = 1; id <= 7; id += 2) {
    client.write(frame('headers', END_HEADERS, id, fields(head)))
    await client.frame('headers', (each) => each.id === id)
    client.write(frame('reset', 0, id, uint32(constants.NGHTTP2_CANCEL)))
  }
  expect(codeOf(await client.frame('goaway'))).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  expect(new Set(await server.ended(4))).toEqual(new Set(['finished 101']))
})

describe('a server that goes down', () => {
  test('tells its WebSockets, waits for them, and cuts them when the grace is over', async () => {
    const clock = virtualClock()
    const told: number[] = []
    await using server = await serving(
      (ctx) => {
        onDrain(ctx, (cutAt) => told.push(cutAt))
        return switching(() => {})(ctx)
      },
      { ...speaking, clock },
    )
    await using client = session(server)
    const { stream } = await opened(client)
    const closed = server.close({ delayMs: 1_000, graceMs: 5_000 })
    expect(told).toEqual([])
    await clock.advance(1_000)
    expect(told).toEqual([6_000])
    await clock.advance(5_000)
    expect(await closed).toEqual({ cut: 1 })
    await until(() => stream.closed)
  })

  test('takes no more of them on connections that it still has', async () => {
    await using server = await serving(() => new Promise<never>(() => {}), speaking)
    await using client = new RawHttp2(server.port)
    client.write(get(1))
    await until(() => server.connections === 1)
    await client.frame('settings', ({ flags }) => flags === 0)
    void server.close()
    // On its way before the client heard of it.
    client.write(frame('headers', END_HEADERS, 3, fields(Object.entries(handshake))))
    await client.frame('headers', ({ id }) => id === 3)
    expect(await server.ended(1)).toEqual(['finished 503'])
  })
})
