import { rawClient } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { fronts } from './support/fronts.ts'
import { type Attack, message, played, type RoomOptions, room, statuses } from './support/room.ts'

// What smuggling is made of: a request that two servers frame in two ways. Refused, with its connection, before anybody is asked.

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n'
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n'

/** A POST that keeps its connection, with something behind it that must never be taken for a request. */
const post = (fields: readonly string[], body: string, version = 'HTTP/1.1') =>
  `${[`POST /x ${version}`, 'Host: a.test', ...fields].join('\r\n')}\r\n\r\n${body}${SMUGGLED}`

const refused = (name: string, sends: string, status = 400): Attack => ({ name, sends, gets: [status], sees: [] })

const coding = (value: string) =>
  refused(`Transfer-Encoding: ${JSON.stringify(value)}`, post([`Transfer-Encoding:${value}`], CHUNKS))
const length = (...values: string[]) =>
  refused(
    `Content-Length ${values.map((value) => JSON.stringify(value)).join(' and ')}`,
    post(
      values.map((v) => `Content-Length:${v}`),
      'hello',
    ),
  )

const attacks: readonly Attack[] = [
  refused('Content-Length and Transfer-Encoding together', post(['Content-Length: 4', 'Transfer-Encoding: chunked'], CHUNKS)),
  refused('Transfer-Encoding and Content-Length together', post(['Transfer-Encoding: chunked', 'Content-Length: 4'], CHUNKS)),
  ...[' xchunked', ' chunked, identity', ' identity', ' gzip', ' gzip, chunked', ' chunked, chunked', ' "chunked"', ''].map(
    coding,
  ),
  refused('Transfer-Encoding twice', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], CHUNKS)),
  refused('Transfer-Encoding with a space before the colon', post(['Transfer-Encoding : chunked'], CHUNKS)),
  refused('Transfer-Encoding in a folded line', post(['X: a', ' Transfer-Encoding: chunked'], CHUNKS)),
  refused('Transfer-Encoding behind a vertical tab', post(['Transfer-Encoding: \x0bchunked'], CHUNKS)),
  refused('HTTP/1.0 with Transfer-Encoding', post(['Transfer-Encoding: chunked'], CHUNKS, 'HTTP/1.0')),
  length(' 5', ' 6'),
  length(' 5', ' 5'),
  length(' 5, 5'),
  length(''),
  length(' +5'),
  length(' -5'),
  length(' 0x5'),
  length(' 5 5'),
  length(' 5.0'),
  length(' 9007199254740993'),
  length(' 99999999999999999999999'),
  refused('a bare LF between header lines', 'POST /x HTTP/1.1\nHost: a.test\nContent-Length: 5\n\nhello'),
  refused('a bare CR in a header line', post(['X: a\rTransfer-Encoding: chunked'], 'hello')),
  refused('an empty header name', post([': x', 'Content-Length: 5'], 'hello')),
  refused('NUL in a header value', post(['X: a\0b', 'Content-Length: 5'], 'hello')),
  refused('HTTP/0.9', 'GET /x\r\n\r\n'),
  refused('HTTP/2.0 in the form of 1.1', message('GET /x HTTP/2.0')),
  {
    name: 'a second request that is pipelined behind a rejected first one is never processed',
    sends: `${message('GET /a', ['Host: a.test', 'Host: b.test', 'Connection: keep-alive'])}${message('GET /b')}`,
    gets: [400],
    sees: [],
  },
  {
    name: 'a tab before the coding is white space like any other, and the body is framed anew',
    sends: message('POST /x', ['Transfer-Encoding:\tchunked'], CHUNKS),
    gets: [200],
    sees: ['POST /x'],
  },
]

const badChunks: readonly (readonly [name: string, chunks: string, status: number])[] = [
  ['in the form 0x5', '0x5\r\nhello\r\n0\r\n\r\n', 400],
  ['with a space before it', ' 5\r\nhello\r\n0\r\n\r\n', 400],
  ['with a space behind it', '5 \r\nhello\r\n0\r\n\r\n', 400],
  ['with a sign', '+5\r\nhello\r\n0\r\n\r\n', 400],
  ['that is empty', '\r\nhello\r\n0\r\n\r\n', 400],
  ['with 20 kB of extension', `5;${'x'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`, 413],
  ['with a bare LF', '5\nhello\n0\n\n', 400],
  ['whose data goes on where its CRLF should be', '5\r\nhelloXX0\r\n\r\n', 400],
  ['beyond 2^64', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n', 400],
]

describe.each(fronts)('on $name', (front) => {
  test.each(attacks)('$name', async (attack) => {
    let passed = 0
    const counted: NonNullable<RoomOptions['layers']> = (forward) => (ctx) => {
      passed++
      return forward(ctx)
    }
    const { upstream } = await played(attack, { front, layers: counted })
    // Refused at the edge: not even a layer has seen it.
    expect(passed).toBe(attack.sees.length)
    for (const request of upstream.requests) expect(request.body).toBe('hello')
  })

  test.each(badChunks)('a chunk size %s is refused; no upstream sees the request whole', async (_, chunks, status) => {
    await using scene = await room({ front })
    const reply = await scene.ask(post(['Transfer-Encoding: chunked'], chunks))
    expect(statuses(reply)).toEqual([status])
    expect(reply.closed).not.toBe('open')
    expect(scene.upstream.lines).toEqual([])
  })

  test.each(badChunks)('a chunk size %s behind good ones breaks the request to the upstream off', async (_, chunks, status) => {
    await using scene = await room({ front })
    await using client = await rawClient(scene.port)
    client.write(`${message('POST /x', ['Connection: keep-alive', 'Transfer-Encoding: chunked'])}5\r\nfirst\r\n`)
    await scene.upstream.server.when(({ connections }) => connections[0]?.received.includes('first'))
    client.write(chunks)
    const reply = await client.response()
    expect(reply.status).toBe(status)
    await client.left()
    expect(scene.upstream.lines).toEqual([])
    // What was begun there is not completed by the next request.
    expect(statuses(await scene.ask(message('GET /next')))).toEqual([200])
    expect(scene.upstream.requests.map(({ line, connection }) => [line, connection])).toEqual([['GET /next', 1]])
  })

  test.each(['GET', 'DELETE', 'OPTIONS', 'PATCH'])(
    'the body of a %s is framed once for the upstream, and no request is left of it',
    async (method) => {
      for (const [fields, body] of [
        [[`Content-Length: ${SMUGGLED.length}`], SMUGGLED],
        [['Transfer-Encoding: chunked'], `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`],
      ] as const) {
        const { upstream } = await played(
          { name: '', sends: message(`${method} /x`, fields, body), gets: [200], sees: [`${method} /x`] },
          { front },
        )
        expect(upstream.requests[0]?.body).toBe(SMUGGLED)
      }
    },
  )

  test('the body of a HEAD is framed once for the upstream, and no request is left of it', async () => {
    const sends = message('HEAD /x', [`Content-Length: ${SMUGGLED.length}`], SMUGGLED)
    const { upstream, reply } = await played({ name: '', sends, gets: [200], sees: ['HEAD /x'] }, { front })
    expect(upstream.requests[0]?.body).toBe(SMUGGLED)
    expect(reply.text.endsWith('\r\n\r\n')).toBe(true)
  })
})
