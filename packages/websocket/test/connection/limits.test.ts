import { once } from 'node:events'
import { deflateRawSync } from 'node:zlib'
import { type Clock, chain, subscribe } from '@gatelet/core'
import { type RunningServer, serve } from '@gatelet/node'
import { virtualClock } from '@gatelet/testing'
import { type WebSocketConnection, type WebSocketOptions, webSocket } from '@gatelet/websocket'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { frame, goodbye, handshake, op, RawWebSocket } from './raw-frames.ts'

interface Served extends AsyncDisposable {
  readonly server: RunningServer
  readonly url: string
  /** The connections that have opened, in order. */
  next(): Promise<WebSocketConnection>
}

async function served(options: Partial<WebSocketOptions> = {}, expiresAt?: number): Promise<Served> {
  const opened: WebSocketConnection[] = []
  const wakes: (() => void)[] = []
  const handler = webSocket({
    onConnection(connection) {
      opened.push(connection)
      for (const wake of wakes.splice(0)) wake()
    },
    ...options,
  })
  const layers = chain().provide(() => ({ principal: { expiresAt } }))
  const server = await serve(layers.to(handler), { host: '127.0.0.1', port: 0 })
  return {
    server,
    url: server.url,
    async next() {
      while (opened.length === 0) await new Promise<void>((resolve) => wakes.push(resolve))
      return opened.shift() as WebSocketConnection
    },
    [Symbol.asyncDispose]: async () => void (await server.close({ graceMs: 50 })),
  }
}

const quiet = { heartbeatMs: 2_000_000_000 }

describe('messages', () => {
  test('are read by a loop, which ends with the connection', async () => {
    await using site = await served()
    const client = await RawWebSocket.open(site.url)
    const connection = await site.next()
    client.write(Buffer.concat([frame(op.text, 'a'), frame(op.binary, 'b'), frame(op.close, goodbye(4000, 'done'))]))
    const got = []
    for await (const message of connection) got.push(message)
    expect(got).toEqual(['a', Buffer.from('b')])
    expect(await connection.closed).toEqual({ code: 4000, reason: 'done' })
    expect(await connection.send('late')).toBe(false)
    expect(connection.isOpen).toBe(false)
  })

  test('a loop that is left closes', async () => {
    await using site = await served()
    const client = await RawWebSocket.open(site.url)
    client.write(Buffer.concat([frame(op.text, 'a'), frame(op.text, 'b')]))
    for await (const _ of await site.next()) break
    client.write(frame(op.close, goodbye(1000)))
    expect(await client.closeCode()).toBe(1000)
  })

  test('a client that sends faster than it is read waits', async () => {
    await using site = await served({ maxQueued: 2, maxMessageBytes: 100_000 })
    const socket = new WebSocket(site.url)
    await once(socket, 'open')
    const connection = await site.next()
    const sent = 400
    for (let at = 0; at < sent; at++) socket.send(Buffer.alloc(100_000, at))
    // The system takes some of the 40 MB; the rest must wait here until somebody reads.
    await new Promise(setImmediate)
    expect(socket.bufferedAmount).toBeGreaterThan(10_000_000)
    let got = 0
    for await (const _ of connection) if (++got === sent) break
    expect(got).toBe(sent)
    socket.terminate()
  })

  test('send waits for a client that does not read, and breaks off one that does not read at all', async () => {
    await using site = await served({ maxBufferedBytes: 30_000_000 })
    const client = await RawWebSocket.open(site.url)
    client.pause()
    const connection = await site.next()
    expect(await connection.send('x')).toBe(true)
    const big = Buffer.alloc(20_000_000)
    let isSent = false
    const sending = connection.send(big).then((sent) => {
      isSent = true
      return sent
    })
    await new Promise(setImmediate)
    expect(isSent).toBe(false)
    expect(await connection.send(big)).toBe(false)
    expect(await sending).toBe(false)
    expect((await connection.closed).code).toBe(1006)
  })

  test.each([
    ['onConnection', { onConnection: () => Promise.reject(new Error('no')) }],
    [
      'onConnection, at once',
      {
        onConnection: () => {
          throw new Error('no')
        },
      },
    ],
    [
      'a listener',
      {
        onConnection: (connection: WebSocketConnection) =>
          connection.onMessage(() => {
            throw new Error('no')
          }),
      },
    ],
  ] as [string, Partial<WebSocketOptions>][])('%s that fails closes with 1011', async (_, options) => {
    await using site = await served(options)
    const client = await RawWebSocket.open(site.url)
    client.write(frame(op.text, 'x'))
    expect((await client.some(1))[0]?.payload.readUInt16BE()).toBe(1011)
    client.destroy()
  })
})

describe('rates', () => {
  test.each([
    ['messages', { messagesPerSecond: 2, burstSeconds: 1 }, frame(op.text, 'x'), 1008],
    ['pings', { messagesPerSecond: 2, burstSeconds: 1 }, frame(op.ping), 1008],
    ['bytes', { bytesPerSecond: 200, burstSeconds: 1 }, frame(op.text, 'x'.repeat(100)), 1008],
    [
      'bytes, with another code',
      { bytesPerSecond: 200, burstSeconds: 1, overRateCode: 1013 },
      frame(op.text, 'x'.repeat(100)),
      1013,
    ],
  ] as const)('%s beyond them close', async (_, limits, one, code) => {
    const clock = virtualClock()
    await using site = await served({ ...limits, ...quiet, clock })
    const client = await RawWebSocket.open(site.url)
    const connection = await site.next()
    const got: unknown[] = []
    connection.onMessage((message) => void got.push(message))
    client.write(Buffer.concat([one, one]))
    await roundTrip(connection, client)
    await clock.advance(1_000)
    client.write(Buffer.concat([one, one]))
    await roundTrip(connection, client)
    expect(connection.isOpen).toBe(true)
    client.write(one)
    expect((await client.goodbye())[0]).toBe(code)
    client.destroy()
  })
})

describe('compressed messages', () => {
  const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }
  const packed = (bytes: number) => deflateRawSync(Buffer.alloc(bytes))

  test('are measured as they are inflated: one that is as long as may be passes, and one byte more closes with 1009', async () => {
    await using site = await served({ compress: true, maxMessageBytes: 100_000 })
    const client = await RawWebSocket.open(site.url, offer)
    const connection = await site.next()
    client.write(Buffer.concat([100_000, 100_001].map((bytes) => frame(op.binary, packed(bytes), { rsv: 4 }))))
    const got: number[] = []
    for await (const message of connection) got.push(message.length)
    expect(got).toEqual([100_000])
    expect(await client.closeCode()).toBe(1009)
  })

  test.each([
    ['in one frame', (bytes: Buffer) => frame(op.binary, bytes, { rsv: 4 })],
    [
      'in fragments',
      (bytes: Buffer) =>
        Buffer.concat([
          frame(op.binary, bytes.subarray(0, bytes.length / 2), { rsv: 4, fin: false }),
          frame(op.continuation, bytes.subarray(bytes.length / 2)),
        ]),
    ],
  ])('20 MB in 20 KB never reach anybody, %s', async (_, framed) => {
    await using site = await served({ compress: true, maxMessageBytes: 1_000_000 })
    const client = await RawWebSocket.open(site.url, offer)
    const connection = await site.next()
    client.write(framed(packed(20_000_000)))
    expect(await client.closeCode()).toBe(1009)
    expect(await connection[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
  })

  test('count for bytesPerSecond as they are inflated', async () => {
    const clock = virtualClock()
    await using site = await served({ compress: true, bytesPerSecond: 200_000, burstSeconds: 1, ...quiet, clock })
    const client = await RawWebSocket.open(site.url, offer)
    await site.next()
    client.write(Buffer.concat([1, 2, 3].map(() => frame(op.binary, packed(100_000), { rsv: 4 }))))
    expect((await client.goodbye())[0]).toBe(1008)
    client.destroy()
  })
})

/** What the client has sent is read: its answer to a ping of ours is. */
async function roundTrip(connection: WebSocketConnection, client: RawWebSocket): Promise<void> {
  const before = client.frames.filter(({ opcode }) => opcode === op.text).length
  await connection.send('.')
  while (client.frames.filter(({ opcode }) => opcode === op.text).length === before) await new Promise(setImmediate)
}

describe('ends', () => {
  test('credentials that expire close with 1008, also far from now', async () => {
    const clock = virtualClock()
    const days = 40 * 86_400_000
    await using site = await served({ ...quiet, clock }, clock.date() + days)
    const client = await RawWebSocket.open(site.url)
    const connection = await site.next()
    await clock.advance(days / 2)
    await clock.advance(days / 2 - 1)
    expect(connection.isOpen).toBe(true)
    await clock.advance(1)
    expect(await client.goodbye()).toEqual([1008, 'the credentials have expired'])
    client.destroy()
  })

  test('the expiry can come from elsewhere', async () => {
    const clock = virtualClock()
    await using site = await served({ ...quiet, clock, expiresAt: () => clock.date() + 5 })
    const client = await RawWebSocket.open(site.url)
    await site.next()
    await clock.advance(5)
    expect((await client.some(1))[0]?.payload.readUInt16BE()).toBe(1008)
    client.destroy()
  })

  test('an expiry that is no number has passed', async () => {
    const clock = virtualClock()
    await using site = await served({ ...quiet, clock, expiresAt: () => Number.NaN })
    const client = await RawWebSocket.open(site.url)
    await site.next()
    await clock.advance(1)
    expect((await client.goodbye())[0]).toBe(1008)
    client.destroy()
  })

  test('a client that answers no ping is cut off at the next', async () => {
    const clock = virtualClock()
    await using site = await served({ heartbeatMs: 30_000, clock })
    const client = await RawWebSocket.open(site.url)
    const connection = await site.next()
    await clock.advance(30_000)
    expect((await client.some(1))[0]?.opcode).toBe(op.ping)
    await clock.advance(30_000)
    expect((await connection.closed).code).toBe(1006)
    expect(await client.closeCode()).toBeUndefined()
  })

  test('as many connections as may be: one more is told to come later, and takes the place of one that has gone', async () => {
    await using site = await served({ maxConnections: 1 })
    const first = await RawWebSocket.open(site.url)
    const connection = await site.next()
    const second = new RawWebSocket(site.url)
    second.write(handshake())
    const head = await second.head()
    expect(head).toMatch(/^HTTP\/1\.1 503 /)
    expect(head).toMatch(/\r\nretry-after: 5\r\n/i)
    first.reset()
    await connection.closed
    await new Promise(setImmediate)
    const third = await RawWebSocket.open(site.url)
    third.destroy()
  })

  test('drain closes with 1012, spread over time', async () => {
    const clock = virtualClock()
    const site = await served({ ...quiet, clock: spread(clock) })
    const clients = await Promise.all([1, 2, 3].map(() => RawWebSocket.open(site.url)))
    const closing = site.server.close({ graceMs: 60_000 })
    const codes = clients.map(async (client) => {
      const [last] = await client.some(1)
      client.write(frame(op.close, last?.payload))
      return client.closeCode()
    })
    let isOver = false
    void closing.then(() => {
      isOver = true
    })
    while (!isOver) await clock.advance(1_000)
    expect(await Promise.all(codes)).toEqual([1012, 1012, 1012])
  })
})

// Each asks for another moment.
function spread(clock: Clock): Clock {
  let at = 0
  return {
    now: () => clock.now(),
    date: () => clock.date(),
    setTimer: (task, ms) => clock.setTimer(task, ms),
    random: () => (at += 0.25),
  }
}

describe('close', () => {
  test.each([0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, 1000.5, Number.NaN])('refuses the code %d', async (code) => {
    await using site = await served()
    const client = await RawWebSocket.open(site.url)
    const connection = await site.next()
    expect(() => connection.close(code)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path: 'code' }))
    client.destroy()
  })

  test('takes a reason of 123 bytes and refuses one of 124', async () => {
    await using site = await served()
    const client = await RawWebSocket.open(site.url)
    const connection = await site.next()
    expect(() => connection.close(1000, 'ä'.repeat(62))).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path: 'reason' }))
    connection.close(4999, `${'ä'.repeat(61)}x`)
    expect((await client.some(1))[0]?.payload.byteLength).toBe(125)
    client.destroy()
  })
})

test('a client that resets in the middle of its handshake or of a message harms nobody', async () => {
  await using site = await served()
  for (let at = 0; at < 20; at++) {
    const half = new RawWebSocket(site.url)
    half.write(handshake())
    half.reset()
  }
  const client = await RawWebSocket.open(site.url)
  client.write(frame(op.text, 'x'.repeat(1_000)).subarray(0, 500))
  client.reset()
  const other = await RawWebSocket.open(site.url)
  other.destroy()
})

test('messages are told of, each with its bytes', async () => {
  const told: unknown[] = []
  const undo = subscribe('websocket:passed', ({ direction, messages, bytes }) => void told.push([direction, messages, bytes]))
  onTestFinished(undo)
  await using site = await served(quiet)
  const client = await RawWebSocket.open(site.url)
  const connection = await site.next()
  client.write(frame(op.text, 'abc'))
  await connection[Symbol.asyncIterator]().next()
  await connection.send('späte')
  connection.terminate()
  await connection.closed
  await connection.send('late')
  expect(told).toEqual([
    ['received', 1, 3],
    ['sent', 1, 6],
  ])
})
