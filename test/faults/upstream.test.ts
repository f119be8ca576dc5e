import { HeaderList } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { parseResponses, type RawReply, rawClient, rawRequest, rawServer } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { blackHole } from '../../packages/proxy/test/support/black-hole.ts'
import { fronts, node } from '../attack/support/fronts.ts'
import { message, statuses } from '../attack/support/room.ts'
import { played } from './support/scene.ts'
import { answers, fine, hangs, headOf, says } from './support/servers.ts'

// What an upstream does wrong, what the client gets for it, and whether another one is asked.

const post = message('POST /x', ['Content-Length: 5'], 'hello')
const get = message('GET /x')
const resetsTls = async (connection: Parameters<typeof answers>[0]) => {
  await connection.read(5, 60_000)
  await connection.reset()
}
const nonsense = async (connection: Parameters<typeof answers>[0]) => {
  await connection.read(5, 60_000)
  connection.write('HTTP/1.1 400 Bad Request\r\n\r\n')
  connection.end()
}
/** The only answer, which is a refusal: `502 UPSTREAM_RESET`. */
const refusalOf = ({ responses }: RawReply) => responses.map(({ status, text }) => `${status} ${JSON.parse(text).code}`).join()
const resets = says('', (connection) => connection.reset())

describe.each(fronts)('on $name, an upstream that', (front) => {
  test.each([
    ['GET', get],
    ['POST', post],
  ])('refuses is passed over, also by a %s: nothing was sent', async (_, request) => {
    await played({ front, servers: ['refuses', answers] }, async (scene) => {
      expect(statuses(await rawRequest(scene.port, request))).toEqual([200])
      expect(scene.attempts).toEqual(['failure', 'success'])
    })
  })

  test('refuses is 502 when it is the only one, 503 when all do', async () => {
    await played({ front, servers: ['refuses'] }, async ({ port }) => {
      expect(refusalOf(await rawRequest(port, get))).toBe('502 UPSTREAM_CONNECT_FAILED')
    })
    await played({ front, servers: ['refuses', 'refuses'] }, async ({ port, attempts }) => {
      expect(refusalOf(await rawRequest(port, get))).toBe('503 NO_ENDPOINT')
      expect(attempts).toEqual(['failure', 'failure'])
    })
  })

  test('hangs before the headers is 504, its socket closed; no POST is sent twice', async () => {
    await played({ front, servers: [hangs] }, async ({ port, servers }) => {
      expect(refusalOf(await rawRequest(port, get))).toBe('504 UPSTREAM_HEADERS_TIMEOUT')
      await servers[0]?.when((server) => server.connections[0]?.closed !== 'open')
    })
    await played({ front, servers: [hangs, answers] }, async ({ port, asked }) => {
      expect(statuses(await rawRequest(port, post))).toEqual([504])
      expect(asked()).toEqual([1, 0])
    })
    await played({ front, servers: [hangs, answers] }, async ({ port, attempts }) => {
      expect(statuses(await rawRequest(port, get))).toEqual([200])
      expect(attempts).toEqual(['failure', 'success'])
    })
  })

  test.each([
    ['hangs in the middle of a body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc', 'hang'],
    ['hangs in the middle of a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', 'hang'],
    ['resets in the middle of a body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc', 'reset'],
    ['resets in the middle of a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', 'reset'],
    ['ends before its length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc', 'end'],
    ['ends in the middle of a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc', 'end'],
  ] as const)('%s: the client is cut off and can see it; nobody else is asked', async (_, bytes, how) => {
    const then = (connection: Parameters<typeof answers>[0]) => (how === 'hang' ? undefined : connection[how]())
    await played({ front, servers: [says(bytes, then), answers] }, async (scene) => {
      const reply = await rawRequest(scene.port, get)
      expect(reply.responses.map(({ complete }) => complete)).toEqual([false])
      expect(reply.closed).not.toBe('open')
      expect(reply.text.endsWith('0\r\n\r\n')).toBe(false)
      await scene.ended()
      expect(scene.ends).toEqual(['failed 200'])
      expect(scene.reasons).toEqual([how === 'hang' ? 'UPSTREAM_BODY_TIMEOUT' : 'UPSTREAM_RESET'])
      expect(scene.asked()[1]).toBe(0)
    })
  })

  test('resets before the headers: a GET goes elsewhere, a POST is 502', async () => {
    await played({ front, servers: [resets, answers] }, async ({ port, attempts }) => {
      expect(statuses(await rawRequest(port, get))).toEqual([200])
      expect(attempts).toEqual(['failure', 'success'])
    })
    await played({ front, servers: [resets, answers] }, async ({ port, asked }) => {
      expect(refusalOf(await rawRequest(port, post))).toBe('502 UPSTREAM_RESET')
      expect(asked()).toEqual([1, 0])
    })
  })

  test('closes each connection after its reply loses no request', async () => {
    await played({ front, servers: [says(fine(), (connection) => connection.end())] }, async ({ port }) => {
      for (let asked = 0; asked < 30; asked++) expect(statuses(await rawRequest(port, asked % 2 ? post : get))).toEqual([200])
    })
  })

  test('ends its body by closing (HTTP/1.0, no length) is understood, and its connection not used again', async () => {
    const old = says('HTTP/1.0 200 OK\r\n\r\nall of it', (connection) => connection.end())
    await played({ front, servers: [old] }, async ({ port, asked }) => {
      for (let at = 0; at < 2; at++) expect((await rawRequest(port, get)).responses[0]?.text).toBe('all of it')
      expect(asked()).toEqual([2])
    })
  })

  test.each([
    ['a status line of another protocol', 'HTP/9 200 OK\r\n\r\n'],
    ['HTTP/0.9', 'hello world'],
    ['a header line without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'],
    ['80 kB of header', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(80_000)}\r\n\r\n`],
    ['5,000 headers', `HTTP/1.1 200 OK\r\n${'X: 1\r\n'.repeat(5_000)}\r\n`],
  ])('answers with %s is 502', async (_, bytes) => {
    await played({ front, servers: [says(bytes, (connection) => connection.end())] }, async ({ port }) => {
      expect(refusalOf(await rawRequest(port, get))).toBe('502 UPSTREAM_BAD_RESPONSE')
    })
  })

  test('sends 102 and 103 first: the client gets both, then the answer', async () => {
    const hints = 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'
    await played({ front, servers: [says(hints + fine())] }, async ({ port }) => {
      const reply = await rawRequest(port, get)
      expect(reply.responses.map(({ status }) => status)).toEqual([102, 103, 200])
    })
  })

  test('answers 413 and closes while the client uploads: the client gets the 413', async () => {
    const early = says('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig', (c) => c.end())
    await played({ front, servers: [early] }, async ({ port }) => {
      await using client = await rawClient(port)
      client.write('POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n')
      client.write('x'.repeat(300_000))
      expect((await client.response()).status).toBe(413)
    })
  })

  test('answers early and reads on: the answer streams while the upload goes on', async () => {
    const both = says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n', async (connection) => {
      await connection.read('the end', 10_000)
      connection.write('4\r\nlate\r\n0\r\n\r\n')
    })
    await played({ front, servers: [both] }, async ({ port }) => {
      await using client = await rawClient(port)
      client.write(`POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100007\r\n\r\n${'x'.repeat(100_000)}`)
      await client.read('early')
      client.write('the end')
      await client.read('late')
    })
  })

  test('stops reading an upload is 504, and the client is not waited for', async () => {
    const deaf = async (connection: Parameters<typeof answers>[0]) => {
      await headOf(connection)
      connection.pause()
    }
    await played({ front, servers: [deaf] }, async ({ port }) => {
      await using client = await rawClient(port)
      client.write('POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 50000000\r\n\r\n')
      client.write(Buffer.alloc(50_000_000))
      expect((await client.response()).text).toContain('UPSTREAM_HEADERS_TIMEOUT')
    })
  })

  test('sends events: each comes through before the next is there, and a client that leaves ends them', async () => {
    let next = () => {}
    const events = says(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
      async (connection) => {
        for (let at = 0; at < 5; at++) {
          connection.write('9\r\ndata: 1\n\n\r\n')
          await new Promise<void>((resolve) => {
            next = resolve
          })
        }
        await connection.left(10_000)
      },
    )
    await played({ front, servers: [events] }, async ({ port, servers, ended, ends }) => {
      await using client = await rawClient(port)
      client.write(message('GET /events'))
      for (let at = 0; at < 5; at++) {
        await client.read('data: 1\n\n')
        next()
      }
      await client[Symbol.asyncDispose]()
      await servers[0]?.when((server) => server.connections[0]?.closed !== 'open')
      await ended()
      expect(ends).toEqual(['aborted 200'])
    })
  })
})

test('an upstream that lets nobody in is 504 when it is the only one, and passed over when it is not', async () => {
  await using hole = await blackHole()
  const short = { proxy: { timeouts: { connectMs: 150 } } }
  await played({ ...short, servers: [answers] }, async ({ port, balancer, attempts }) => {
    void balancer.replace([{ url: hole.url, weight: 1_000 }, ...balancer.endpoints.map(({ id }) => id)])
    for (let asked = 0; asked < 3; asked++) expect(statuses(await rawRequest(port, post))).toEqual([200])
    expect(attempts).toContain('failure')
  })
  await played({ ...short, servers: [] }, async ({ port, balancer }) => {
    balancer.add(hole.url)
    expect(refusalOf(await rawRequest(port, get))).toBe('504 UPSTREAM_CONNECT_TIMEOUT')
  })
})

test.each([
  ['says nothing to a handshake of TLS is 504', hangs, '504 UPSTREAM_TLS_TIMEOUT'],
  ['resets a handshake of TLS is 502', resetsTls, '502 UPSTREAM_CONNECT_FAILED'],
  ['speaks no TLS is 502', nonsense, '502 UPSTREAM_TLS'],
])('an upstream that %s', async (_, script, refusal) => {
  await using server = await rawServer(script)
  const forward = proxy(`https://127.0.0.1:${server.port}`, { timeouts: { connectMs: 300 } })
  const front = await node.start(forward)
  expect(refusalOf(await rawRequest(front.port, get))).toBe(refusal)
  await server.when(({ connections }) => connections.every(({ closed }) => closed !== 'open'))
  await front.close()
  await forward.close()
})

test('what comes through is byte for byte what the upstream said: compressed, ranges, HEAD, 304', async () => {
  const said: readonly (readonly [line: string, bytes: string])[] = [
    ['GET /gzip', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\0\xff'],
    ['GET /range', 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/4\r\nContent-Length: 2\r\n\r\nfi'],
    ['GET /beyond', 'HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n\r\n'],
    ['HEAD /head', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: "a"\r\n\r\n'],
    ['GET /same', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 1234\r\n\r\n'],
  ]
  for (const [line, bytes] of said) {
    await played({ servers: [says(bytes)], proxy: { via: false } }, async ({ port }) => {
      const reply = await rawRequest(port, message(line))
      const [direct] = parseResponses(Buffer.from(bytes, 'latin1'), { isClosed: true, toHead: line.startsWith('HEAD') })
      const [through] = reply.responses
      expect(through?.body).toEqual(direct?.body)
      expect(through?.status).toBe(direct?.status)
      const ours = /^(?:date|connection)$/i
      expect([...(through?.headers ?? new HeaderList())].filter(([name]) => !ours.test(name))).toEqual([
        ...(direct?.headers ?? []),
      ])
    })
  }
})
