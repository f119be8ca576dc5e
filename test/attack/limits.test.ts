import { rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { fronts } from './support/fronts.ts'
import { message, played, room, statuses } from './support/room.ts'

// Too much, or too slowly.

const many = (count: number, field: (at: number) => string) => Array.from({ length: count }, (_, at) => field(at))

describe.each(fronts)('on $name', (front) => {
  test.each([
    ['100 header fields of 8 kB', many(100, (at) => `X-${at}: ${'x'.repeat(8_000)}`)],
    ['10,000 small header fields', many(10_000, (at) => `X-${at}: 1`)],
    ['a cookie of 16 kB', [`Cookie: a=${'x'.repeat(16_384)}`]],
    // Node's parser drops what is beyond its count without a word, and the last of these frames the body.
    ['2,000 header fields, the framing behind them', [...many(2_000, () => 'a:'), 'Content-Length: 5']],
  ])('%s are 431, and no upstream is asked', async (_, fields) => {
    await played({ name: '', sends: message('POST /x', fields), gets: [431], sees: [] }, { front })
  })

  test('a target of 20 kB is 431, and no upstream is asked', async () => {
    await played({ name: '', sends: message(`GET /${'a'.repeat(20_000)}`), gets: [431], sees: [] }, { front })
  })
})

describe('on node', () => {
  test('a head that comes byte by byte is cut at its time limit, and others are served meanwhile', async () => {
    await using scene = await room({ serve: { headersTimeoutMs: 300 } })
    await using slow = await rawClient(scene.port)
    const dribble = setInterval(() => slow.write('x'), 20)
    slow.write('GET /slow HTTP/1.1\r\nHost: a.test\r\nX: ')
    expect(statuses(await scene.ask(message('GET /fast')))).toEqual([200])
    expect((await slow.response()).status).toBe(408)
    await slow.left()
    clearInterval(dribble)
    expect(scene.upstream.lines).toEqual(['GET /fast'])
  })

  test('a body that stands still is cut, and no upstream sees it whole', async () => {
    await using scene = await room({ serve: { stallTimeoutMs: 300 } })
    await using slow = await rawClient(scene.port)
    slow.write('POST /slow HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nhello')
    expect((await slow.response()).status).toBe(408)
    await slow.left()
    expect(scene.upstream.lines).toEqual([])
  })

  test('a client that does not read is cut', async () => {
    const large = `HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n${'x'.repeat(30_000_000)}`
    await using scene = await room({ serve: { stallTimeoutMs: 300 }, answer: () => large })
    await using slow = await rawClient(scene.port)
    slow.pause()
    slow.write('GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await scene.upstream.server.when((server) => server.connections.some(({ closed }) => closed !== 'open'), 15_000)
    slow.resume()
    await slow.left(15_000)
    expect(slow.receivedBytes).toBeLessThan(30_000_000)
  })

  test.each([
    ['in all', { maxConnections: 10 }],
    ['of one address', { maxConnections: 20, maxConnectionsPerAddress: 10 }],
  ])('more connections than are allowed (%s) are closed; those that are there go on', async (_, serve) => {
    await using scene = await room({ serve })
    const idle = await Promise.all(Array.from({ length: 10 }, () => rawClient(scene.port)))
    const more = await Promise.all(Array.from({ length: 50 }, () => rawClient(scene.port)))
    for (const client of more) await client.left()
    const [first] = idle
    first?.write(message('GET /x'))
    expect((await first?.response())?.status).toBe(200)
    for (const client of [...idle, ...more]) await client[Symbol.asyncDispose]()
  })

  test('a client that pipelines without end is answered a hundred times and then closed', async () => {
    await using scene = await room()
    const reply = await rawRequest(scene.port, message('GET /x', ['Connection: keep-alive']).repeat(500))
    expect(statuses(reply)).toEqual(Array.from({ length: 100 }, () => 200))
    expect(scene.upstream.lines).toHaveLength(100)
  })
})

describe.each(fronts)('a body beyond maxRequestBytes, on $name,', (front) => {
  test('is 413 before an upstream is asked, where its length is known', async () => {
    await using scene = await room({ front, proxy: { maxRequestBytes: 1_000 } })
    const reply = await scene.ask(message('POST /x', ['Content-Length: 2000'], 'x'.repeat(2_000)))
    expect(statuses(reply)).toEqual([413])
    expect(scene.upstream.server.connections).toHaveLength(0)
  })

  test('is 413 where it is not, and no upstream sees it whole', async () => {
    await using scene = await room({ front, proxy: { maxRequestBytes: 1_000 } })
    const chunks = `${'3e8\r\n'}${'x'.repeat(1_000)}\r\n`.repeat(5)
    const reply = await scene.ask(message('POST /x', ['Transfer-Encoding: chunked'], `${chunks}0\r\n\r\n`))
    expect(statuses(reply)).toEqual([413])
    expect(scene.upstream.lines).toEqual([])
  })
})
