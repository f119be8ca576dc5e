import { HeaderList } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfParsed, headersOfParsed } from '../../src/framework/parsed-body.ts'

const form = 'application/x-www-form-urlencoded'

const sent = (value: unknown, type: string, raw?: unknown) => Buffer.from(bytesOfParsed({ value, raw }, type)).toString()

describe('a body that a parser has read is sent on', () => {
  test.each<[what: string, value: unknown, type: string, raw: unknown, bytes: string]>([
    ['as the bytes that were kept', { a: 1 }, 'application/json', Buffer.from('{ "a": 1 }'), '{ "a": 1 }'],
    ['as the text that was kept', { a: 1 }, 'application/json', '{ "a": 1 }', '{ "a": 1 }'],
    ['as bytes', Buffer.from('words'), 'application/octet-stream', undefined, 'words'],
    ['as JSON written anew', { a: ['\u00e9', null, 1] }, 'application/json; charset=utf-8', undefined, '{"a":["\u00e9",null,1]}'],
    ['as JSON of another name', [1], 'Application/Problem+JSON', undefined, '[1]'],
    ['as JSON that is no object', null, 'application/json', undefined, 'null'],
    ['as text', 'h\u00e9llo', 'text/plain', undefined, 'h\u00e9llo'],
    ['as fields', { a: '1 2', b: ['x', '&'], c: '' }, form, undefined, 'a=1+2&b=x&b=%26&c='],
    [
      'as nested fields',
      { user: { name: 'Ada' }, list: [{ a: '1' }] },
      form,
      undefined,
      'user%5Bname%5D=Ada&list%5B0%5D%5Ba%5D=1',
    ],
  ])('%s', (_, value, type, raw, bytes) => {
    expect(sent(value, type, raw)).toBe(bytes)
  })

  test('as fields with the values that came, whatever is in them', () => {
    const fields = fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 2 })))
    fc.assert(
      fc.property(fields, (value) => {
        const pairs = Object.entries(value).flatMap(([name, each]) => [each].flat().map((one) => [name, one]))
        expect([...new URLSearchParams(sent(value, form))]).toEqual(pairs)
      }),
      { seed: 11, numRuns: 500 },
    )
  })
})

test.each<[what: string, value: unknown, type: string]>([
  ['a multipart body', { name: 'ada' }, 'multipart/form-data; boundary=x'],
  ['the text of a multipart body, which is none', 'x', 'multipart/form-data; boundary=x'],
  ['a body that nobody has kept', undefined, 'application/json'],
  ['what stands in the place of a body of a kind that was not parsed', {}, 'application/xml'],
  ['a string where there was JSON: its text, or the value that it stands for', '{"a":1}', 'application/json'],
  ['a body without a type', {}, ''],
])('%s is refused rather than guessed, with what to do', (_, value, type) => {
  expect(() => sent(value, type)).toThrow(
    expect.objectContaining({
      code: 'BODY_PARSED',
      message: expect.stringMatching(/before the parser, or keep the bytes as rawBody/),
    }),
  )
})

describe('the header fields of such a body', () => {
  const before = new HeaderList({
    'Content-Type': 'text/plain; charset="latin1"; x=1',
    'Content-Length': '5',
    'Content-Encoding': 'gzip',
    'Transfer-Encoding': 'chunked',
    Expect: '100-continue',
    'X-Own': 'yes',
  })

  test('speak of what is sent, not of what came', () => {
    const after = headersOfParsed(before, { value: 'text', raw: undefined })
    expect([...after]).toEqual([
      ['Content-Type', 'text/plain; charset=utf-8; x=1'],
      ['X-Own', 'yes'],
    ])
    expect(before.get('content-length')).toBe('5')
  })

  test('keep the charset of bytes that were kept', () => {
    for (const parsed of [
      { value: 'text', raw: Buffer.from('text') },
      { value: Buffer.from('text'), raw: undefined },
    ]) {
      expect(headersOfParsed(before, parsed).get('content-type')).toBe('text/plain; charset="latin1"; x=1')
    }
  })
})
