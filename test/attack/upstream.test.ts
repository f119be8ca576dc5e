import { proxy } from '@gatelet/proxy'
import { type RawSocket, rawClient, rawRequest, rawServer } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { type Front, fronts } from './support/fronts.ts'
import { message, statuses } from './support/room.ts'

// What an upstream may do to the client of another.

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine'
const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'
const BOMB = '5\r\nhello\r\n0\r\n\r\n'

/** An upstream that answers its first request so, and all others well. */
const answering = (bytes: string) => async (connection: RawSocket, index: number) => {
  for (let requests = 0; ; requests++) {
    await connection.read('\r\n\r\n', 600_000)
    connection.write(index === 0 && requests === 0 ? bytes : OK)
  }
}

/** Two requests one after the other through one gateway. The upstream saw them on so many connections. */
async function twoRequests(front: Front, script: (connection: RawSocket, index: number) => Promise<void>, method = 'GET') {
  await using server = await rawServer(script)
  await using gateway = await inFrontOf(front, server.url)
  const first = await rawRequest(gateway.port, message(`${method} /first`))
  const second = await rawRequest(gateway.port, message('GET /second'))
  return { first, second, connections: server.connections.length }
}

/** A gateway that is closed at the test's end. @param onRequest runs before a request is passed on */
async function inFrontOf(front: Front, upstream: string, onRequest?: () => void) {
  const forward = proxy(upstream)
  const { port, close } = await front.start((ctx) => {
    onRequest?.()
    return forward(ctx)
  })
  return {
    port,
    async [Symbol.asyncDispose]() {
      await close()
      await forward.close()
    },
  }
}

const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`
const ok = (...fields: string[]) => head('HTTP/1.1 200 OK', ...fields)

describe.each(fronts)('on $name', (front) => {
  test.each([
    ['Content-Length and Transfer-Encoding', ok('Content-Length: 5', 'Transfer-Encoding: chunked') + BOMB],
    ['two lengths', `${ok('Content-Length: 5', 'Content-Length: 6')}hello!`],
    ['a list of lengths', `${ok('Content-Length: 5, 5')}hello`],
    ['the coding gzip, chunked', ok('Transfer-Encoding: gzip, chunked') + BOMB],
    ['a coding that nobody knows', `${ok('Transfer-Encoding: xchunked')}hello`],
    ['a folded field', `${ok('X: a\r\n b', 'Content-Length: 4')}fine`],
    ['a bare CR in a field', `${ok('X: a\rSet-Cookie: evil=1', 'Content-Length: 4')}fine`],
    ['a bare LF in a field', `${ok('X: a\nSet-Cookie: evil=1', 'Content-Length: 4')}fine`],
    ['NUL in a field', `${ok('X: a\0b', 'Content-Length: 4')}fine`],
    ['a 101 that nobody asked for', head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: x') + POISON],
    ['10,000 interim answers', head('HTTP/1.1 102 Processing').repeat(10_000) + OK],
    ['10,000 hints', head('HTTP/1.1 103 Early Hints', 'Link: </a>').repeat(10_000) + OK],
  ])('%s of an upstream is 502 and the end of its connection', async (_, bytes) => {
    const { first, second, connections } = await twoRequests(front, answering(bytes))
    expect(statuses(first)).toEqual([502])
    expect(first.text).not.toMatch(/set-cookie/i)
    expect(first.responses.filter(({ status }) => status < 200).length).toBeLessThanOrEqual(10)
    expect(second.responses[0]?.text).toBe('fine')
    expect(connections).toBe(2)
  })

  test.each([
    ['bytes behind the length', `${ok('Content-Length: 5')}hello${POISON}`, 200, 'hello'],
    ['bytes behind the last chunk', ok('Transfer-Encoding: chunked') + BOMB + POISON, 200, 'hello'],
    ['a body behind a 204', head('HTTP/1.1 204 No Content') + POISON, 204, ''],
    ['a body behind a 304', head('HTTP/1.1 304 Not Modified', 'Content-Length: 5') + POISON, 304, ''],
  ])('%s of an upstream are thrown away with its connection', async (_, bytes, status, body) => {
    const { first, second, connections } = await twoRequests(front, answering(bytes))
    expect(first.responses.map((response) => [response.status, response.text])).toEqual([[status, body]])
    expect(first.text).not.toContain('poison')
    expect(second.responses[0]?.text).toBe('fine')
    expect(connections).toBe(2)
  })

  test('a body behind the answer to a HEAD is not the answer to the next request', async () => {
    const { first, second, connections } = await twoRequests(front, answering(ok('Content-Length: 38') + POISON), 'HEAD')
    expect(statuses(first)).toEqual([200])
    expect(first.text).not.toContain('poison')
    expect(second.responses[0]?.text).toBe('fine')
    expect(connections).toBe(2)
  })

  test('an answer that nobody asked for on an idle connection ends the connection', async () => {
    await using server = await rawServer(answering(OK))
    await using gateway = await inFrontOf(front, server.url)
    await rawRequest(gateway.port, message('GET /first'))
    server.connections[0]?.write(POISON)
    await server.when(({ connections }) => connections[0]?.closed !== 'open')
    const second = await rawRequest(gateway.port, message('GET /second'))
    expect(second.responses.map(({ text }) => text)).toEqual(['fine'])
    expect(server.connections).toHaveLength(2)
  })

  test.each(['just before the next request', 'just behind it', 'while it is in hand'])(
    'an answer that nobody asked for, come %s, is not the answer to it',
    async (when) => {
      await using server = await rawServer(answering(OK))
      let inHand = () => {}
      await using gateway = await inFrontOf(front, server.url, () => inHand())
      await using client = await rawClient(gateway.port)
      const request = message('GET /x', ['Connection: keep-alive'])
      client.write(request)
      await client.response()
      const poison = () => server.connections[0]?.write(POISON)
      // The gateway's event loop is this one: what is written here lies in the kernel when it goes round.
      if (when === 'just before the next request') poison()
      client.write(request)
      if (when === 'just behind it') poison()
      // Then the loop has looked at its sockets already, and the upstream's looked fine.
      if (when === 'while it is in hand') inHand = poison
      expect((await client.response()).text).toBe('fine')
      expect(server.connections).toHaveLength(2)
    },
  )

  test('trailers that frame a message do not reach the client', async () => {
    const bytes = ok('Transfer-Encoding: chunked', 'Trailer: content-length, x-sum')
    const { first, second } = await twoRequests(
      front,
      answering(`${bytes}5\r\nhello\r\n0\r\nContent-Length: 9\r\nX-Sum: 1\r\n\r\n`),
    )
    expect(first.responses[0]?.trailers.has('content-length')).toBe(false)
    expect(second.responses[0]?.text).toBe('fine')
  })

  test('what went wrong is told in general words: no address, no stack, no text of others', async () => {
    await using server = await rawServer(answering('secret words of an upstream\r\n'))
    await using gateway = await inFrontOf(front, server.url)
    const nonsense = await rawRequest(gateway.port, message('GET /first'))
    await server.close()
    const refused = await rawRequest(gateway.port, message('GET /second'))
    for (const { text, responses } of [nonsense, refused]) {
      expect(responses.map(({ status, headers }) => [status, headers.get('content-type')])).toEqual([
        [502, 'application/problem+json'],
      ])
      expect(text).not.toMatch(new RegExp(`secret|ECONN|HPE_|127\\.0\\.0\\.1|${server.port}|\\bat |node:|/packages/`))
    }
  })
})
