import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createBalancer } from '@gatelet/balancer'
import { type RunningServer, serve } from '@gatelet/node'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { type RawSocket, rawClient, rawServer, type VirtualClock, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../support/until.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'
const handshake = `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`
const RESTART = '\x88\x02\x03\xf4'
const LOST = '\x88\x02\x03\xf3'

/** A server of WebSockets, and the codes that its connections were closed with. */
async function chat() {
  const codes: number[] = []
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('close', (code) => codes.push(code))
    socket.on('error', () => {})
  })
  await once(sockets, 'listening')
  return {
    url: `http://127.0.0.1:${(sockets.address() as AddressInfo).port}`,
    codes,
    async [Symbol.asyncDispose]() {
      for (const client of sockets.clients) client.terminate()
      await new Promise((resolve) => sockets.close(resolve))
    },
  }
}

async function fronted(urls: readonly string[], options: ProxyOptions = {}) {
  const clock = virtualClock()
  const balancer = createBalancer({ endpoints: urls, strategy: 'round-robin', clock })
  const forward = proxy(balancer, { clock, ...options })
  const server = await serve(forward, { port: 0, host: '127.0.0.1', clock, http2: true })
  const inflight = () => balancer.endpoints.reduce((sum, endpoint) => sum + endpoint.inflight, 0)
  return {
    clock,
    balancer,
    forward,
    server,
    inflight,
    async [Symbol.asyncDispose]() {
      await server.close({ graceMs: 0 })
      await forward.close()
      await until(() => inflight() === 0)
    },
  }
}

interface Client {
  readonly socket: WebSocket
  /** The code that it was closed with. */
  code: number | undefined
}

async function joined(server: RunningServer, count: number): Promise<Client[]> {
  const clients = Array.from({ length: count }, (): Client => {
    const socket = new WebSocket(server.url.replace('http', 'ws'))
    const client: Client = { socket, code: undefined }
    socket.on('close', (code) => {
      client.code = code
    })
    return client
  })
  await Promise.all(clients.map(({ socket }) => once(socket, 'open')))
  return clients
}

const closed = (clients: readonly Client[]) => clients.filter(({ code }) => code !== undefined)

/** Moves the clock on, second by second. @returns how many were closed at the end of each */
async function second(clock: VirtualClock, clients: readonly Client[], seconds: number): Promise<number[]> {
  const counts: number[] = []
  for (let i = 0; i < seconds; i++) {
    await clock.advance(1_000)
    const told = clients.filter(({ socket, code }) => code !== undefined || socket.readyState !== WebSocket.OPEN)
    await until(() => closed(told).length === told.length)
    counts.push(closed(clients).length)
  }
  return counts
}

describe('a server that closes', () => {
  test('has its WebSockets close with 1012, spread over half of its grace, and waits for them', async () => {
    await using upstream = await chat()
    await using front = await fronted([upstream.url])
    const clients = await joined(front.server, 40)
    const closing = front.server.close({ graceMs: 8_000 })
    const counts = await second(front.clock, clients, 4)
    await until(() => closed(clients).length === 40)
    expect(await closing).toEqual({ cut: 0 })
    expect(counts[0]).toBeGreaterThan(2)
    expect(counts[0]).toBeLessThan(20)
    expect(new Set(clients.map(({ code }) => code))).toEqual(new Set([1012]))
    // The upstream sees the client's answer: to it too this was an end in order.
    expect(upstream.codes).toEqual(Array(40).fill(1012))
    expect(front.clock.pending).toBe(0)
  })

  test('tells one that was opened by HTTP/2 too', async () => {
    await using upstream = await rawServer(async (connection) => {
      const head = await connection.read('\r\n\r\n')
      const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1]
      const { createHash } = await import('node:crypto')
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      connection.write(SWITCHED.replace(/Accept: .*\r\n/, `Accept: ${accept}\r\n`))
    })
    await using front = await fronted([upstream.url], { timeouts: { upgradeDrainMs: 0 } })
    const client = connect(front.server.url)
    await once(client, 'remoteSettings')
    const stream = client.request(
      { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', 'sec-websocket-version': '13' },
      { endStream: false },
    )
    await once(stream, 'response')
    void front.server.close()
    const [bytes] = (await once(stream, 'data')) as [Buffer]
    expect(bytes.toString('latin1')).toBe(RESTART)
    stream.on('error', () => {})
    client.destroy()
  })

  test('cuts one whose client does not answer, five seconds after it was told', async () => {
    await using upstream = await rawServer(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write(SWITCHED)
    })
    await using front = await fronted([upstream.url], { timeouts: { upgradeDrainMs: 0 } })
    await using client = await rawClient(front.server.port)
    client.write(handshake)
    await client.response()
    const closing = front.server.close()
    await client.read(RESTART)
    await front.clock.advance(4_999)
    expect(front.server.connections).toBe(1)
    await front.clock.advance(1)
    expect(await closing).toEqual({ cut: 0 })
    await client.left()
  })
})

describe('an endpoint that is', () => {
  test.each(['drain', 'remove'] as const)('%sed has its WebSockets leave within upgradeDrainMs, and no others', async (how) => {
    await using one = await chat()
    await using two = await chat()
    await using front = await fronted([one.url, two.url])
    const clients = await joined(front.server, 40)
    const leaving = front.balancer[how](front.balancer.endpoints[0]?.id as string)
    const counts = await second(front.clock, clients, 10)
    expect(await leaving).toBe(true)
    expect(counts.at(-1)).toBe(20)
    expect(counts[0]).toBeLessThan(10)
    expect([one.codes, two.codes]).toEqual([Array(20).fill(1012), []])
    // They come again, and get the other.
    const again = await joined(front.server, 5)
    expect(closed(again)).toEqual([])
    expect(front.balancer.endpoints.at(-1)?.inflight).toBe(25)
  })

  test.each(['drain', 'remove'] as const)('%sed while a handshake is under way has that leave too', async (how) => {
    await using upstream = await rawServer(async (connection) => void (await connection.read('\r\n\r\n')))
    await using front = await fronted([upstream.url], { timeouts: { upgradeDrainMs: 0 } })
    await using client = await rawClient(front.server.port)
    client.write(handshake)
    await until(() => upstream.connections[0]?.received.includes('\r\n\r\n') === true)
    void front.balancer[how](front.balancer.endpoints[0]?.id as string)
    upstream.connections[0]?.write(SWITCHED)
    await client.read(RESTART)
    client.end()
  })

  test('only given another weight, ejected or found unhealthy keeps them', async () => {
    await using upstream = await chat()
    await using front = await fronted([upstream.url], { timeouts: { upgradeDrainMs: 0 } })
    const clients = await joined(front.server, 3)
    const id = front.balancer.endpoints[0]?.id as string
    front.balancer.setWeight(id, 7)
    front.balancer.eject(id)
    front.balancer.setHealth(id, false)
    clients[0]?.socket.send('still here')
    expect(String((await once(clients[0]?.socket as WebSocket, 'message'))[0])).toBe('still here')
    expect(closed(clients)).toEqual([])
  })

  test('asked by a proxy that is closed has its WebSockets leave', async () => {
    await using upstream = await chat()
    await using front = await fronted([upstream.url], { timeouts: { upgradeDrainMs: 0 } })
    const clients = await joined(front.server, 3)
    await front.forward.close()
    await until(() => closed(clients).length === 3)
    expect(clients.map(({ code }) => code)).toEqual([1012, 1012, 1012])
  })
})

describe('a Close frame of ours', () => {
  /** A tunnel between two raw sockets, told to leave by `leave`. */
  async function room() {
    const upstream = await rawServer(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write(SWITCHED)
    })
    const front = await fronted([upstream.url], { timeouts: { upgradeDrainMs: 0 } })
    const client = await rawClient(front.server.port)
    client.write(handshake)
    await client.read('\r\n\r\n')
    const server = upstream.connections[0] as RawSocket
    return {
      clock: front.clock,
      client,
      server,
      /** Sends from the upstream, and waits until the client has all of it. */
      async pass(bytes: string, expected = bytes) {
        const before = client.receivedBytes
        server.write(Buffer.from(bytes, 'latin1'))
        await until(() => client.receivedBytes === before + expected.length)
        expect(client.received.subarray(before).toString('latin1')).toBe(expected)
      },
      leave: () => void front.balancer.drain(front.balancer.endpoints[0]?.id as string),
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]()
        await front[Symbol.asyncDispose]()
        await upstream.close()
      },
    }
  }

  test('waits for the end of the frame on its way, and nothing comes behind it', async () => {
    await using scene = await room()
    await scene.pass('\x82\x05ab')
    scene.leave()
    await scene.pass('c')
    await scene.pass('de\x81\x01x', `de${RESTART}`)
    scene.server.write('\x81\x01y')
    scene.client.write('\x88\x80\0\0\0\0')
    expect(await scene.server.read('\x88\x80')).toBeDefined()
    scene.server.end()
    await scene.client.left()
    expect(scene.client.received.toString('latin1').endsWith(RESTART)).toBe(true)
  })

  test('waits for the end of a head that came in two parts', async () => {
    await using scene = await room()
    await scene.pass('\x82')
    scene.leave()
    await scene.pass('\x7e\0')
    await scene.pass('\x02a')
    await scene.pass('bXX', `b${RESTART}`)
  })

  test('may stand between the fragments of a message (RFC 6455 §5.4)', async () => {
    await using scene = await room()
    await scene.pass('\x01\x02ab')
    scene.leave()
    await scene.client.read(RESTART)
  })

  test('is not sent where the upstream has closed already', async () => {
    await using scene = await room()
    await scene.pass('\x88\x02\x0f\xa1')
    scene.leave()
    scene.server.end()
    await scene.client.left()
    expect(scene.client.received.toString('latin1').endsWith('\x88\x02\x0f\xa1')).toBe(true)
  })

  test.each(['end', 'reset'] as const)('says 1011 where the upstream is lost by %s', async (how) => {
    await using scene = await room()
    await scene.pass('\x81\x01x')
    await scene.server[how]()
    expect(await scene.client.left()).toBe('end')
    expect(scene.client.received.toString('latin1').endsWith(`\x81\x01x${LOST}`)).toBe(true)
    scene.client.end()
  })

  test.each(['end', 'reset'] as const)('is not put into a frame that was cut by %s', async (how) => {
    await using scene = await room()
    await scene.pass('\x81\x09x')
    await scene.server[how]()
    await scene.client.left()
    expect(scene.client.received.toString('latin1').endsWith('\x81\x09x')).toBe(true)
    scene.client.end()
  })

  test.each(['\x81\x01x\x88\x02\x0f\xa1', '\x88\0'])('is not put behind one of the upstream', async (bytes) => {
    await using scene = await room()
    await scene.pass(bytes)
    scene.server.end()
    await scene.client.left()
    expect(scene.client.received.toString('latin1').endsWith(bytes)).toBe(true)
    scene.client.end()
  })

  test('comes once, when the upstream is lost after it', async () => {
    await using scene = await room()
    scene.leave()
    await scene.client.read(RESTART)
    await scene.server.reset()
    await scene.client.left()
    expect(scene.client.received.toString('latin1').endsWith(`\r\n\r\n${RESTART}`)).toBe(true)
    scene.client.end()
  })

  test.each([`\x82\x7f${'\xff'.repeat(8)}`, `\x82\x7f\0\x20${'\0'.repeat(6)}`, `\x82\xff\0\x1f${'\xff'.repeat(6)}`])(
    'is not sent where the frames cannot be followed: bytes pass as they are, until it is closed after five seconds',
    async (head) => {
      await using scene = await room()
      await scene.pass(head)
      scene.leave()
      await scene.pass('\x81\x01x')
      await scene.clock.advance(4_999)
      await scene.pass('anything at all')
      await scene.clock.advance(1)
      await scene.client.left()
    },
  )

  test('is not sent where they cannot be followed any more by then', async () => {
    await using scene = await room()
    await scene.pass('\x82\x7f\xff')
    scene.leave()
    await scene.pass('\xff'.repeat(7))
    await scene.pass('\x81\x01x')
    await scene.clock.advance(5_000)
    await scene.client.left()
  })

  test('of the upstream ends the tunnel in five seconds, also where the upstream goes on behind it', async () => {
    await using scene = await room()
    await scene.pass('\x88\x02\x0f\xa1')
    scene.leave()
    await scene.clock.advance(4_000)
    scene.server.write('\x81\x01x')
    scene.client.write('\x81\x81\0\0\0\0y')
    await scene.server.read('y')
    await scene.clock.advance(1_000)
    await scene.client.left()
  })
})

test('an upgrade that is refused or dropped leaves nobody listening for endpoints', async () => {
  const { channel } = await import('node:diagnostics_channel')
  const server = createServer((_, res) => res.writeHead(403).end())
  server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  {
    await using front = await fronted([`http://127.0.0.1:${(server.address() as AddressInfo).port}`])
    await using client = await rawClient(front.server.port)
    client.write(handshake)
    expect((await client.response()).status).toBe(403)
    expect(channel('gatelet:endpoint:changed').hasSubscribers).toBe(false)
  }
  server.close()
})
