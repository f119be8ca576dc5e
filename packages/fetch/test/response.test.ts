import { Readable } from 'node:stream'
import { HeaderList, PushSource, type Reply, sourceOf, text } from '@gatelet/core'
import { toFetch } from '@gatelet/fetch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bodyOf, failuresOf, problemIn, settle, tap, watched } from './support.ts'

const ask = (method = 'GET') => new Request('http://a.test/', { method })

function reply(status: number, headers: Record<string, string>, body: Reply['body']): Reply {
  return { status, headers: new HeaderList(headers), body }
}

const answer = (made: Reply, method?: string): Promise<Response> => toFetch(() => made)(ask(method))

describe('a whole body', () => {
  test.each<[string, Reply['body']]>([
    ['a string', 'grün'],
    ['bytes', Buffer.from('grün')],
    ['a source that has it all', sourceOf('grün')],
  ])('that is %s keeps its bytes, and has its length', async (_what, body) => {
    const { handle, ends } = watched(() => reply(201, { 'content-type': 'text/x' }, body))
    const response = await handle(ask())
    expect(ends).toMatchObject([{ outcome: 'finished', status: 201 }])
    expect([response.status, Object.fromEntries(response.headers)]).toEqual([
      201,
      { 'content-type': 'text/x', 'content-length': '5' },
    ])
    expect(await response.text()).toBe('grün')
  })

  test('gets no content type that nobody said', async () => {
    expect([...(await answer(reply(200, {}, 'x'))).headers.keys()]).toEqual(['content-length'])
  })

  test('has the length that it has, whatever a layer announced', async () => {
    const response = await answer(reply(200, { 'content-length': '99' }, 'abc'))
    expect([response.headers.get('content-length'), await response.text()]).toEqual(['3', 'abc'])
  })

  test('that is empty is an empty body', async () => {
    for (const body of [null, '', new Uint8Array(0), sourceOf(null)]) {
      const response = await answer(reply(200, {}, body))
      expect([response.headers.get('content-length'), await response.text()]).toEqual(['0', ''])
    }
  })
})

describe('header fields', () => {
  test('that come several times stay several', async () => {
    const made = text('x')
    for (const cookie of ['a=1', 'b=2; Path=/']) made.headers.append('set-cookie', cookie)
    made.headers.append('vary', 'a').append('vary', 'b')
    const { headers } = await answer(made)
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2; Path=/'])
    expect(headers.get('vary')).toBe('a, b')
  })

  test('that speak of a connection are for the host to say', async () => {
    const own = { connection: 'close', 'keep-alive': 'timeout=5', 'transfer-encoding': 'chunked', trailer: 'x-sum', 'x-a': '1' }
    expect(Object.fromEntries((await answer(reply(200, own, 'x'))).headers)).toEqual({ 'content-length': '1', 'x-a': '1' })
  })

  test('of the upper half of latin1 stay as they are', async () => {
    expect((await answer(reply(200, { 'x-name': 'gr\u00fcn' }, 'x'))).headers.get('x-name')).toBe('gr\u00fcn')
  })

  test('never come to frame a response, and none else is lost', async () => {
    const name = fc.constantFrom('x-a', 'X-B', 'set-cookie', 'Connection', 'content-length', 'Transfer-Encoding', 'trailer')
    const fields = fc.array(fc.tuple(name, fc.constantFrom('1', 'close', 'chunked', 'a=b')), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fields, async (fields) => {
        const made: Reply = { status: 200, headers: new HeaderList(fields), body: 'abc' }
        const { headers } = await answer(made)
        const values = (wanted: string) => fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
        expect(headers.get('x-a')).toBe(values('x-a').join(', ') || null)
        expect(headers.get('x-b')).toBe(values('x-b').join(', ') || null)
        expect(headers.getSetCookie()).toEqual(values('set-cookie'))
        expect(headers.get('content-length')).toBe('3')
        for (const framing of ['connection', 'transfer-encoding', 'trailer']) expect(headers.has(framing)).toBe(false)
      }),
      { seed: 5, numRuns: 200 },
    )
  })
})

describe('a reply without content', () => {
  test.each([204, 205, 304])('%s has no body, and cancels the one it came with', async (status) => {
    const { source, told } = tap()
    const { handle, ends } = watched(() => reply(status, { etag: '"a"' }, source))
    const response = await handle(ask())
    expect([response.status, response.body, response.headers.get('etag')]).toEqual([status, null, '"a"'])
    expect(told).toEqual(['cancel'])
    expect(ends).toMatchObject([{ outcome: 'finished', status }])
  })

  test('to a HEAD says how long it would be', async () => {
    for (const [made, length] of [
      [reply(200, {}, 'abc'), '3'],
      [reply(200, { 'content-length': '77' }, null), '77'],
      [reply(200, {}, tap().source), null],
    ] as const) {
      const response = await answer(made, 'HEAD')
      expect([response.body, response.headers.get('content-length')]).toEqual([null, length])
    }
  })

  test('keeps the length of a 304, and gives none to a 204', async () => {
    expect((await answer(reply(304, { 'content-length': '77' }, null))).headers.get('content-length')).toBe('77')
    expect((await answer(reply(204, { 'content-length': '77' }, null))).headers.get('content-length')).toBe(null)
  })
})

describe('a streamed body', () => {
  test('is read while it is made, and the exchange ends when all is read', async () => {
    const { source } = tap()
    const { handle, ends } = watched(() => reply(200, {}, source))
    const response = await handle(ask())
    const reader = response.body!.getReader()
    source.push(Buffer.from('one'))
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('one')
    source.push(Buffer.from('two'))
    source.end()
    await settle()
    // The last byte waits to be read.
    expect(ends).toEqual([])
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('two')
    expect(await reader.read()).toEqual({ done: true, value: undefined })
    expect(ends).toMatchObject([{ outcome: 'finished', status: 200 }])
  })

  test('ends its exchange with the last chunk, for a reader that counts and stops there', async () => {
    const { source } = tap()
    const { handle, ends } = watched(() => reply(200, { 'content-length': '3' }, source))
    const reader = (await handle(ask())).body!.getReader()
    source.push(Buffer.from('all'))
    source.end()
    await reader.read()
    await settle()
    expect(ends).toMatchObject([{ outcome: 'finished' }])
  })

  test('waits while nobody reads, and loses nothing', async () => {
    const { source, told } = tap()
    const response = await answer(reply(200, {}, source))
    const chunk = Buffer.alloc(20_000, 'x')
    let sent = 0
    while (source.push(chunk)) sent++
    sent++
    // 64 KiB may wait.
    expect(sent).toBe(4)
    await settle()
    expect(told).toEqual(['start'])
    const reader = response.body!.getReader()
    let read = (await reader.read()).value!.byteLength
    await settle()
    expect(told).toEqual(['start', 'resume'])
    source.end()
    for (let part = await reader.read(); !part.done; part = await reader.read()) read += part.value.byteLength
    expect(read).toBe(sent * chunk.byteLength)
  })

  test('can be a Node stream, as fast as that comes', async () => {
    const chunks = Array.from({ length: 50 }, (_, at) => Buffer.alloc(10_000, 97 + (at % 26)))
    const response = await answer(reply(200, {}, Readable.from(chunks)))
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.concat(chunks))).toBe(true)
  })

  test('keeps the length that was announced for it', async () => {
    const { source } = tap()
    source.push(Buffer.from('abc'))
    const response = await answer(reply(200, { 'content-length': '3' }, source))
    source.end()
    expect([response.headers.get('content-length'), await response.text()]).toEqual(['3', 'abc'])
  })

  test('drops its trailers', async () => {
    const { source } = tap()
    source.push(Buffer.from('abc'))
    source.end(new HeaderList({ 'x-sum': '1' }))
    expect(await (await answer(reply(200, { trailer: 'x-sum' }, source))).text()).toBe('abc')
  })

  test('skips chunks that are empty', async () => {
    const { source } = tap()
    const response = await answer(reply(200, {}, source))
    source.push(new Uint8Array(0))
    source.push(Buffer.from('abc'))
    source.end()
    expect((await bodyOf(response)).map(String)).toEqual(['abc'])
  })
})

describe('a body that fails', () => {
  test('before anybody was promised it becomes an error reply', async () => {
    const { source } = tap()
    source.fail(new Error('gone'))
    const { handle, ends } = watched(() => reply(200, {}, source))
    const response = await handle(ask())
    expect(await problemIn(response)).toEqual([500, 'INTERNAL'])
    expect(ends).toMatchObject([{ outcome: 'finished', status: 500 }])
  })

  test('because it was read already becomes one too', async () => {
    const source = sourceOf('once')
    const handle = toFetch(() => reply(200, {}, source))
    expect((await handle(ask())).status).toBe(200)
    const response = await handle(ask())
    expect(await problemIn(response)).toEqual([500, 'BODY_USED'])
  })

  test('later breaks the response off, and is told to whoever listens', async () => {
    const { source } = tap()
    const { handle, ends } = watched(() => reply(200, {}, source))
    const seen = await failuresOf(async () => {
      const response = await handle(ask())
      source.push(Buffer.from('abc'))
      source.fail(new Error('gone'))
      await expect(response.text()).rejects.toThrow('gone')
    })
    expect(seen).toEqual([new Error('gone')])
    expect(ends).toMatchObject([{ outcome: 'failed', status: 200, error: new Error('gone') }])
  })

  test.each([
    ['more', 'abcd', /more than the 3 bytes announced/, ['start', 'cancel']],
    ['fewer', 'ab', /2 of the 3 bytes announced/, ['start']],
  ])('by having %s bytes than announced is broken off', async (_what, sent, message, asked) => {
    const { source, told } = tap()
    const { handle, ends } = watched(() => reply(200, { 'content-length': '3' }, source))
    const response = await handle(ask())
    source.push(Buffer.from(sent))
    source.end()
    await expect(response.text()).rejects.toThrow(message)
    expect(ends).toMatchObject([{ outcome: 'failed', error: { code: 'BAD_REPLY' } }])
    expect(told).toEqual(asked)
  })

  test('when it is cancelled does not harm', async () => {
    const source = new PushSource({
      pause() {},
      resume() {},
      cancel() {
        throw new Error('not now')
      },
    })
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    expect((await toFetch(() => ({ ...reply(200, {}, source), upgrade: () => {} }))(ask())).status).toBe(500)
    expect((await warned).message).toContain('a body threw when it was cancelled')
  })
})

test.each<[string, Reply['body'], number]>([
  ['a whole one', 'grün', 5],
  ['none', null, 0],
  ['one that comes bit by bit', Readable.from([Buffer.alloc(700), Buffer.alloc(41)]), 741],
])('the bytes of a body are told in the end: %s', async (_, body, sentBytes) => {
  const { handle, ends } = watched(() => reply(200, {}, body))
  await (await handle(new Request('http://a.test/', { method: 'POST', body: 'not read' }))).arrayBuffer()
  await settle()
  expect(ends).toMatchObject([{ outcome: 'finished', receivedBytes: 0, sentBytes }])
})
