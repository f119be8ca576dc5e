import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasContent, replyHead } from '../src/reply-head.ts'

const plain = { status: 200, method: 'GET', protocol: '1.1', length: undefined, close: false, mayClose: true } as const

describe('replyHead', () => {
  test('uses the list as it is when there is nothing to say', () => {
    const raw = ['content-type', 'text/plain', 'Content-Length', '5']
    expect(replyHead(raw, { ...plain, length: 5 }).raw).toBe(raw)
    expect(replyHead(raw, plain)).toMatchObject({ raw, close: false, isChunked: false, contentLength: 5 })
    expect(replyHead(['a', 'b'], plain)).toMatchObject({
      raw: ['a', 'b'],
      close: false,
      isChunked: true,
      contentLength: undefined,
    })
  })

  test.for<[string, string[], string[]]>([
    ['a length that is wrong', ['content-length', '4'], ['content-length', '5']],
    ['two lengths', ['content-length', '5', 'Content-Length', '5'], ['content-length', '5']],
    ['a length that is none', ['content-length', '5, 5'], ['content-length', '5']],
    [
      'what a proxy forgot',
      ['Transfer-Encoding', 'chunked', 'Keep-Alive', 'timeout=5', 'x', 'y'],
      ['x', 'y', 'content-length', '5'],
    ],
    ['trailers that cannot follow', ['trailer', 'x'], ['content-length', '5']],
    ['other options of Connection', ['connection', 'keep-alive, Upgrade'], ['content-length', '5', 'connection', 'Upgrade']],
    ['a connection that ends', ['connection', 'close, upgrade'], ['content-length', '5', 'connection', 'upgrade, close']],
  ])('corrects %s', ([, raw, expected]) => {
    expect(replyHead(raw, { ...plain, length: 5 }).raw).toEqual(expected)
  })

  test('takes no length from a body that has none yet but the one announced', () => {
    expect(replyHead(['content-length', 'x'], plain)).toMatchObject({ raw: [], isChunked: true })
    expect(replyHead(['trailer', 'a', 'Trailer', 'b'], plain)).toMatchObject({ raw: ['trailer', 'a, b'], isChunked: true })
    expect(replyHead([], { ...plain, protocol: '1.0' })).toMatchObject({ isChunked: false, contentLength: undefined })
  })

  const names = fc.constantFrom(
    'Content-Length',
    'content-length',
    'Transfer-Encoding',
    'TRAILER',
    'Connection',
    'Keep-Alive',
    'x-a',
    'set-cookie',
    'dateline',
    'contents-length',
  )
  const values = fc.constantFrom('', '0', '5', '7', 'x', 'chunked', 'close', 'keep-alive', 'close, x-a', 'gzip')
  const fields = fc.array(fc.tuple(names, values), { maxLength: 8 })

  test('never sends framing that could be read in two ways, and loses nothing else', () => {
    const framing = fc.record({
      status: fc.constantFrom(200, 204, 205, 304, 404, 500),
      method: fc.constantFrom('GET', 'HEAD', 'POST'),
      protocol: fc.constantFrom('1.0' as const, '1.1' as const),
      length: fc.option(fc.nat(9), { nil: undefined }),
      close: fc.boolean(),
      mayClose: fc.boolean(),
    })
    fc.assert(
      fc.property(fields, framing, (list, given) => {
        const raw = list.flat()
        const before = [...raw]
        const head = replyHead(raw, given)
        expect(raw).toEqual(before)
        const out = head.raw.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text))
        const named = (name: string) => out.filter((_, at) => at % 2 === 1 && out[at - 1] === name)
        expect(named('transfer-encoding')).toEqual([])
        expect(named('keep-alive')).toEqual([])
        expect(named('content-length')).toEqual(head.contentLength === undefined ? [] : [String(head.contentLength)])
        if (hasContent(given.method, given.status) && given.length !== undefined) expect(head.contentLength).toBe(given.length)
        if (given.status === 204) expect(head.contentLength).toBeUndefined()
        if (head.isChunked) expect([head.contentLength, given.protocol]).toEqual([undefined, '1.1'])
        if (given.close) expect(head.close).toBe(true)
        if (head.close) expect(given.close || (given.mayClose && head.wantsClose)).toBe(true)
        for (const value of named('connection')) expect(value.endsWith('close')).toBe(head.close)
        const others = (flat: readonly string[]) =>
          flat.filter((_, at) => /^(x-a|set-cookie|dateline|contents-length)$/.test(flat[at - (at % 2)] ?? ''))
        expect(others(head.raw)).toEqual(others(raw))
      }),
      { seed: 11, numRuns: 3_000 },
    )
  })
})
