import { type ByteRange, multipart, respond } from '@gatelet/cache'
import { HeaderList } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at, get, kept, policy } from './fakes.ts'

const body = Buffer.from('0123456789')

function written(headers: HeaderList, ranges: readonly ByteRange[], bytes = body): Buffer {
  const { preambles, closing } = multipart(headers, ranges, bytes.length, 'abc')
  const parts = ranges.flatMap(({ start, end }, at) => [preambles[at] ?? Buffer.of(), bytes.subarray(start, end + 1)])
  return Buffer.concat([...parts, closing])
}

test('9110 §14.6: each part has its place and type, and the whole its length', () => {
  const stored = kept({ 'cache-control': 'max-age=60', 'content-type': 'text/plain' }, { bodyBytes: 10 })
  const { headers, body: ranges } = respond(get({ range: 'bytes=0-1, -2' }), stored, at(1), policy())
  const text = written(headers, typeof ranges === 'string' ? [] : ranges)
  expect(headers.get('content-type')).toBe('multipart/byteranges; boundary=abc')
  expect(headers.get('content-length')).toBe(String(text.length))
  expect(text.toString()).toBe(
    [
      ...['--abc', 'Content-Type: text/plain', 'Content-Range: bytes 0-1/10', '', '01'],
      ...['--abc', 'Content-Type: text/plain', 'Content-Range: bytes 8-9/10', '', '89', '--abc--', ''],
    ].join('\r\n'),
  )
})

test('9110 §14.6: parts of a body without a type have none', () => {
  const text = written(new HeaderList(), [{ start: 3, end: 3 }]).toString()
  expect(text).toBe('--abc\r\nContent-Range: bytes 3-3/10\r\n\r\n3\r\n--abc--\r\n')
})

test('9110 §5.5: a type with bytes above 127 is sent as it came, and counted in bytes', () => {
  const headers = new HeaderList({ 'content-type': 'text/plain; name="é"' })
  const text = written(headers, [{ start: 0, end: 0 }])
  expect(text.includes(Buffer.of(0xe9))).toBe(true)
  expect(headers.get('content-length')).toBe(String(text.length))
})

test('the length is the number of bytes, for any ranges of any body', () => {
  const range = fc.tuple(fc.nat(999), fc.nat(999)).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }))
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 16 }), (ranges) => {
      const headers = new HeaderList({ 'content-type': 'a/b' })
      const { length } = written(headers, ranges, Buffer.alloc(1_000))
      expect(headers.get('content-length')).toBe(String(length))
    }),
    { seed: 9110 },
  )
})
