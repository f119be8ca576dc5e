import { rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { fronts } from '../attack/support/fronts.ts'
import { message, statuses } from '../attack/support/room.ts'
import { played } from './support/scene.ts'
import { fine, hangs, headOf, says, takesBodies } from './support/servers.ts'

// What a client does wrong. It is never the fault of the endpoint.

describe.each(fronts)('on $name, a client that leaves', (front) => {
  test('before the headers stops the upstream at once; the endpoint is not blamed', async () => {
    await played({ front, servers: [hangs] }, async ({ port, servers, attempts, ended, ends }) => {
      const client = await rawClient(port)
      client.write(message('GET /x'))
      await servers[0]?.when((server) => server.connections[0]?.received.includes('\r\n\r\n'))
      await client.reset()
      await servers[0]?.when((server) => server.connections[0]?.closed !== 'open', 500)
      await ended()
      expect([ends, attempts]).toEqual([['aborted 499'], ['cancelled']])
      await client[Symbol.asyncDispose]()
    })
  })

  test('in the middle of a download stops the upstream at once', async () => {
    const begins = says('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc')
    await played(
      { front, servers: [begins], proxy: { timeouts: { bodyIdleMs: 5_000 } } },
      async ({ port, servers, ended, ends }) => {
        const client = await rawClient(port)
        client.write(message('GET /x'))
        await client.read('abc')
        await client.reset()
        await servers[0]?.when((server) => server.connections[0]?.closed !== 'open', 500)
        await ended()
        expect(ends).toEqual(['aborted 200'])
        await client[Symbol.asyncDispose]()
      },
    )
  })

  test('in the middle of an upload stops the upstream at once; the endpoint is not blamed', async () => {
    await played({ front, servers: [hangs] }, async ({ port, servers, attempts, ended }) => {
      const client = await rawClient(port)
      client.write(`POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(100_000)}`)
      await servers[0]?.when((server) => (server.connections[0]?.receivedBytes ?? 0) > 50_000)
      await client.reset()
      await servers[0]?.when((server) => server.connections[0]?.closed !== 'open', 500)
      await ended()
      expect(attempts).toEqual(['cancelled'])
      await client[Symbol.asyncDispose]()
    })
  })
})

describe.each(fronts)('on $name, a client that', (front) => {
  test('reads nothing of a large answer stops the upstream after some buffers', async () => {
    let written = 0
    const pours = async (connection: Parameters<typeof hangs>[0]) => {
      await headOf(connection)
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n')
      for (; written < 200 && connection.closed === 'open'; written++) {
        connection.write(Buffer.alloc(1_000_000))
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    await played({ front, servers: [pours], proxy: { timeouts: { bodyIdleMs: 5_000 } } }, async ({ port, ended }) => {
      await using client = await rawClient(port)
      client.pause()
      const before = process.memoryUsage().external + process.memoryUsage().arrayBuffers
      client.write(message('GET /x'))
      await new Promise((resolve) => setTimeout(resolve, 700))
      // The server's own buffers are in this process too: it is what the gateway holds that must be small.
      expect(client.receivedBytes).toBeLessThan(2_000_000)
      expect(before).toBeGreaterThan(0)
      await client.reset()
      await ended()
    })
  })

  test('uploads byte by byte is waited for; the upstream gets all of it', async () => {
    await played({ front, servers: [takesBodies] }, async ({ port }) => {
      await using client = await rawClient(port)
      client.write('POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 40\r\n\r\n')
      for (let at = 0; at < 40; at++) {
        client.write('x')
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      expect((await client.response()).text).toBe('40')
    })
  })
})

test('a client that ends its side behind its request gets the answer, where that is switched on', async () => {
  const slow = async (connection: Parameters<typeof hangs>[0]) => {
    await headOf(connection)
    await new Promise((resolve) => setTimeout(resolve, 50))
    connection.write(fine())
  }
  await played({ servers: [slow], serve: { allowHalfClosed: true } }, async ({ port }) => {
    expect(statuses(await rawRequest(port, message('GET /x'), { end: true }))).toEqual([200])
  })
  await played({ servers: [slow] }, async ({ port, ended, ends }) => {
    expect(statuses(await rawRequest(port, message('GET /x'), { end: true }))).toEqual([])
    await ended()
    expect(ends).toEqual(['aborted 499'])
  })
})

test('a client that sends Expect: 100-continue is told to go on when an upstream is there, and not otherwise', async () => {
  const request = 'POST /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'
  await played({ servers: [takesBodies] }, async ({ port }) => {
    await using client = await rawClient(port)
    client.write(request)
    await client.read('HTTP/1.1 100 Continue\r\n\r\n')
    client.write('hello')
    expect((await client.response()).text).toBe('5')
  })
  await played({ servers: ['refuses'] }, async ({ port }) => {
    expect((await rawRequest(port, request)).responses.map(({ status }) => status)).toEqual([502])
  })
})
