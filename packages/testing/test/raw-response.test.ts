import { parseResponses } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const parse = (text: string, options = {}) => parseResponses(Buffer.from(text, 'latin1'), { isClosed: true, ...options })

test('takes a response apart, header names as they came', () => {
  const [response] = parse('HTTP/1.1 404 Not Found\r\nX-A:  1 \r\nx-a: 2\r\nContent-Length: 3\r\n\r\nabc')
  expect(response).toMatchObject({ version: '1.1', status: 404, reason: 'Not Found', text: 'abc', complete: true })
  expect(response?.headers.raw).toEqual(['X-A', '1', 'x-a', '2', 'Content-Length', '3'])
})

test('finds one response after the other, interim ones too', () => {
  const found = parse(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na' +
      'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 500 \r\nContent-Length: 1\r\n\r\nb',
  )
  expect(found.map(({ status, text }) => [status, text])).toEqual([
    [100, ''],
    [103, ''],
    [200, 'a'],
    [204, ''],
    [304, ''],
    [500, 'b'],
  ])
})

test('joins chunks, and reads extensions and trailers', () => {
  const [response] = parse(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 7\r\n\r\n',
  )
  expect(response).toMatchObject({ text: 'abc0123456789', complete: true })
  expect(response?.trailers.get('x-sum')).toBe('7')
})

test.each([
  ['a body shorter than its length', 'Content-Length: 9\r\n\r\nabc', 'abc'],
  ['a body without its last chunk', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', 'abc'],
  ['a chunk that is cut off', 'Transfer-Encoding: chunked\r\n\r\n9\r\nabc', 'abc'],
  ['a chunk size that is cut off', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1', 'abc'],
  ['trailers that are cut off', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n', 'abc'],
  ['a chunk size that is no number', 'Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc', ''],
])('says that %s is not complete', (_, rest, body) => {
  expect(parse(`HTTP/1.1 200 OK\r\n${rest}`)).toMatchObject([{ text: body, complete: false }])
})

test('a body without framing ends with the connection', () => {
  const text = 'HTTP/1.0 200 OK\r\n\r\nabc'
  expect(parse(text)).toMatchObject([{ text: 'abc', complete: true }])
  expect(parse(text, { isClosed: false })).toMatchObject([{ text: 'abc', complete: false }])
})

test('answers to HEAD have no body, whatever they promise', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
  expect(parse(head + head, { toHead: true })).toMatchObject([
    { text: '', complete: true },
    { text: '', complete: true },
  ])
})

test('what follows a 101 is another protocol, whole', () => {
  expect(parse('HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\n\r\n')).toMatchObject([
    { status: 101, text: 'HTTP/1.1 200 OK\r\n\r\n' },
  ])
})

test.each([
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 1\n\na'],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na'],
  ['an unknown version', 'HTTP/9.9 200 OK\r\nContent-Length: 1\r\n\r\na'],
  ['a header without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 1\r\n\r\na'],
])('takes %s as it is', (_, text) => {
  expect(parse(text)).toMatchObject([{ status: 200, text: 'a', complete: true }])
})

test.each(['', 'HTTP/1.1 200 OK\r\nX: 1', '\x16\x03\x01', 'SSH-2.0-x\r\n\r\n', 'HTTP/1.1 2x0 OK\r\n\r\n'])(
  'finds no response in %j',
  (text) => {
    expect(parse(text)).toEqual([])
  },
)

test('finds the same responses again that were written, however they are framed', () => {
  const response = fc.record({
    status: fc.integer({ min: 200, max: 599 }).filter((s) => s !== 204 && s !== 304),
    chunks: fc.array(fc.string()),
    chunked: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(response), (written) => {
      const bytes = Buffer.concat(
        written.map(({ status, chunks, chunked }) =>
          framed(
            status,
            chunks.map((c) => Buffer.from(c)),
            chunked,
          ),
        ),
      )
      const found = parseResponses(bytes, { isClosed: false })
      expect(found.map(({ status, text, complete }) => [status, text, complete])).toEqual(
        written.map(({ status, chunks }) => [status, chunks.join(''), true]),
      )
    }),
    { seed: 1 },
  )
})

test('takes any bytes without throwing, and ends', () => {
  const pieces = fc.constantFrom(
    'HTTP/1.1 200 OK\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: -3\r\n',
    '\r\n',
    '5\r\n',
    '-1\r\n',
    '0\r\n',
    'x',
    '\0',
  )
  fc.assert(
    fc.property(fc.array(pieces), fc.boolean(), (parts, isClosed) => {
      const bytes = Buffer.from(parts.join(''))
      const found = parseResponses(bytes, { isClosed })
      expect(found.every(({ end }, at) => end > (found[at - 1]?.end ?? 0) && end <= bytes.byteLength)).toBe(true)
    }),
    { seed: 1, numRuns: 1000 },
  )
})

function framed(status: number, chunks: Buffer[], chunked: boolean): Buffer {
  const body = chunked
    ? [...chunks.filter(({ length }) => length > 0).flatMap((c) => [`${c.byteLength.toString(16)}\r\n`, c, '\r\n']), '0\r\n\r\n']
    : chunks
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${Buffer.concat(chunks).byteLength}`
  return Buffer.concat([`HTTP/1.1 ${status} x\r\n${framing}\r\n\r\n`, ...body].map((part) => Buffer.from(part as string)))
}
