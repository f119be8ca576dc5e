import { type RawClient, rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { upgradingFronts } from '../attack/support/fronts.ts'
import { message, statuses } from '../attack/support/room.ts'
import { played } from './support/scene.ts'
import { hangs, headOf, says } from './support/servers.ts'

const handshake = message('GET /ws', [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
])
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'

const closedWith1011 = '\x88\x02\x03\xf3'

const echoes = says(switching, async (connection) => {
  while (connection.closed === 'open') connection.write(await connection.read(1, 60_000).catch(() => ''))
  connection.end()
})

/** So many clients whose handshakes are done. */
async function joined(port: number, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) clients.push(...(await Promise.all(Array.from({ length: 50 }, () => one(port)))))
  return clients
}

async function one(port: number): Promise<RawClient> {
  const client = await rawClient(port)
  client.write(handshake)
  expect((await client.response()).status).toBe(101)
  return client
}

describe.each(upgradingFronts)('behind $name', (front) => {
  test('an upstream that refuses a handshake is passed over; alone it is 502', async () => {
    await played({ front, servers: ['refuses', echoes] }, async ({ port }) => {
      await using client = await rawClient(port)
      client.write(handshake)
      expect((await client.response()).status).toBe(101)
    })
    await played({ front, servers: ['refuses'] }, async ({ port }) => {
      expect(statuses(await rawRequest(port, handshake))).toEqual([502])
    })
  })

  test('an upstream that resets before its 101 is 502, and the connection is closed', async () => {
    await played({ front, servers: [says('', (connection) => connection.reset())] }, async ({ port }) => {
      const reply = await rawRequest(port, handshake)
      expect([statuses(reply), reply.closed]).toEqual([[502], 'end'])
    })
  })

  test('an upstream that says nothing to a handshake is 504', async () => {
    await played({ front, servers: [hangs] }, async ({ port }) => {
      expect(statuses(await rawRequest(port, handshake))).toEqual([504])
    })
  })

  test('a client that resets during its handshake ends nothing but itself', async () => {
    await played({ front, servers: [hangs, echoes] }, async ({ port, servers, attempts }) => {
      const client = await rawClient(port)
      client.write(handshake)
      await servers[0]?.when((server) => server.connections[0]?.received.includes('\r\n\r\n'))
      await client.reset()
      await servers[0]?.when((server) => server.connections[0]?.closed !== 'open', 500)
      await expect.poll(() => attempts).toEqual(['cancelled'])
      await client[Symbol.asyncDispose]()
    })
  })

  test('an upstream that dies with two hundred connections open closes them all, and counts come to zero', async () => {
    await played({ front, servers: [echoes] }, async ({ port, servers, balancer, ended, ends }) => {
      const clients = await joined(port, 200)
      expect(balancer.endpoints[0]?.inflight).toBe(200)
      await servers[0]?.close()
      // Within a second; more on a machine that has other things to do.
      for (const client of clients) {
        await client.left(5_000)
        expect(client.received.toString('latin1').endsWith(closedWith1011)).toBe(true)
        // As every client of WebSockets does: there is no half of one.
        client.end()
      }
      await ended(200)
      expect(new Set(ends)).toEqual(new Set(['finished 101']))
      expect(balancer.endpoints[0]?.inflight).toBe(0)
      for (const client of clients) await client[Symbol.asyncDispose]()
    })
  })

  test('a message of one side comes to the other, until one ends', async () => {
    await played({ front, servers: [echoes] }, async ({ port }) => {
      await using client = await rawClient(port)
      client.write(handshake)
      await client.response()
      client.write('ping')
      expect(await client.read(4)).toBe('ping')
      client.end()
      await client.left()
    })
  })

  test('what is no handshake goes its way while others are open', async () => {
    const both = async (connection: Parameters<typeof hangs>[0]) => {
      for (;;) {
        const head = await headOf(connection)
        if (!head) return connection.end()
        connection.write(head.includes('websocket') ? switching : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      }
    }
    await played({ front, servers: [both] }, async ({ port }) => {
      await using client = await rawClient(port)
      client.write(handshake)
      await client.response()
      expect(statuses(await rawRequest(port, message('GET /x')))).toEqual([200])
    })
  })

  test.each(['client', 'upstream'] as const)(
    'one whose %s says nothing more, and does not close either, is closed at both sides',
    async (side) => {
      const silent = says(switching, (connection) => connection.left(10_000))
      await played(
        { front, servers: [silent], proxy: { timeouts: { upgradeIdleMs: 200 } } },
        async ({ port, servers, ended, ends }) => {
          await using client = await rawClient(port)
          client.write(handshake)
          await client.response()
          // Half an end from one side; the other answers nothing to it.
          if (side === 'client') client.end()
          await ended()
          await servers[0]?.when((server) => server.connections[0]?.closed !== 'open')
          await client.left()
          expect(ends).toEqual(['finished 101'])
        },
      )
    },
  )
})
