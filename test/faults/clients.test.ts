import { origins, rawClient, rawRequest } from '@gatelet/testing'
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
    let taken = 0
    await using farm = await origins(1, {
      handler(_, res) {
        res.writeHead(200, { 'content-length': 200_000_000 })
        const more = () => {
          for (; taken < 200_000_000 && !res.destroyed; ) {
            taken += 100_000
            if (!res.write(Buffer.alloc(100_000))) return
          }
        }
        res.on('drain', more)
        more()
      },
    })
    const patient = { timeouts: { bodyIdleMs: 5_000 } }
    await played({ front, servers: [], proxy: patient }, async ({ port, balancer, ended, ends }) => {
      balancer.add(farm.urls[0] ?? '')
      await using client = await rawClient(port)
      client.pause()
      client.write(message('GET /x'))
      let before = 0
      const standsStill = () => {
        const isSame = taken === before && taken > 0
        before = taken
        return isSame
      }
      await expect.poll(standsStill, { timeout: 8_000, interval: 200 }).toBe(true)
      // What the kernel keeps for three sockets is among it.
      expect(taken).toBeLessThan(20_000_000)
      await client.reset()
      await ended()
      expect(ends).toEqual(['aborted 200'])
      await farm.servers[0]?.when(({ sockets }) => sockets === 0)
    })
  })

  test('uploads byte by byte is waited for, and holds no upstream meanwhile; the upstream gets all of it', async () => {
    await played({ front, servers: [takesBodies] }, async ({ port, asked }) => {
      await using client = await rawClient(port)
      client.write('POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 40\r\n\r\n')
      for (let at = 0; at < 39; at++) {
        client.write('x')
        await new Promise(setImmediate)
      }
      // When another request has come and gone, what was sent before it has been seen.
      await rawRequest(port, message('GET /other'))
      expect(asked()).toEqual([1])
      client.write('x')
      expect((await client.response()).text).toBe('40')
    })
  })

  test('resets in the same moment as its upstream ends nothing but the two', async () => {
    const begins = says('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc')
    await played({ front, servers: [begins] }, async ({ port, servers, ended }) => {
      for (let time = 0; time < 10; time++) {
        const client = await rawClient(port)
        client.write(`POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(100_000)}`)
        await client.read('abc')
        await Promise.all([client.reset(), servers[0]?.connections[time]?.reset()])
        await ended(time + 1)
        await client[Symbol.asyncDispose]()
      }
    })
  })
})

test('a client that ends its side behind its request gets the answer, where that is switched on', async () => {
  let answer = () => {}
  const late = async (connection: Parameters<typeof hangs>[0]) => {
    const head = await headOf(connection)
    if (head?.startsWith('GET /other')) connection.write(fine())
    else answer = () => connection.write(fine())
  }
  await played({ servers: [late], serve: { allowHalfClosed: true } }, async ({ port, servers }) => {
    await using client = await rawClient(port)
    client.write(message('GET /x'))
    client.end()
    await servers[0]?.when((server) => server.connections[0]?.received.includes('GET /x'))
    // When another request has come and gone, the end of this one's connection has been seen.
    expect(statuses(await rawRequest(port, message('GET /other')))).toEqual([200])
    answer()
    expect((await client.response()).status).toBe(200)
  })
  await played({ servers: [late] }, async ({ port, ended, ends }) => {
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
