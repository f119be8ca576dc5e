import { brotliCompressSync, gzipSync } from 'node:zlib'
import { seededRandom } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { ask, type Got } from './support/ask.ts'
import { asked, pass, type Scene, scene, until } from './support/scene.ts'

// Whatever way a body takes, it is what the origin sent, byte for byte.

const sizes = [0, 1, 2, 1_023, 65_535, 65_536, 65_537, 262_144, 5_242_880]
const codings = {
  identity: (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes),
  br: (bytes: Buffer) => brotliCompressSync(bytes),
}

interface Case {
  readonly size: number
  readonly coding: keyof typeof codings
  readonly isChunked: boolean
}

const cases: Case[] = sizes.flatMap((size) =>
  (Object.keys(codings) as Case['coding'][]).flatMap((coding) =>
    // Coded, the large one is about coding only.
    size > 1_000_000 && coding !== 'identity' ? [] : [true, false].map((isChunked) => ({ size, coding, isChunked })),
  ),
)

describe.each(cases)('$size bytes, $coding, chunked: $isChunked', ({ size, coding, isChunked }) => {
  const body = codings[coding](randomBytes(size))
  const fields = {
    ...(coding !== 'identity' && { 'content-encoding': coding }),
    ...{ etag: '"1"', 'cache-control': 'max-age=60, stale-while-revalidate=60, stale-if-error=600', vary: 'accept-encoding' },
  }
  const headers = { 'accept-encoding': coding }
  const answer = { headers: fields, body, isChunked }
  const question = { headers }
  const isSame = (got: Got) => {
    expect(got.status).toBe(200)
    expect(got.isWhole).toBe(true)
    expect(got.headers['content-encoding']).toBe(coding === 'identity' ? undefined : coding)
    expect(got.body.length).toBe(body.length)
    expect(got.body.equals(body)).toBe(true)
  }

  test('whether asked for first, together, again, late, anew or in need', async () => {
    await using at = await scene()
    at.origin.answerWith(() => answer)
    for (const got of await Promise.all(Array.from({ length: 5 }, () => ask(at.url, question)))) isSame(got)
    await until(() => at.origin.seen.length > 0)
    const before = at.origin.seen.length
    isSame(await ask(at.url, question))
    expect(at.origin.seen.length).toBe(before)
    await stale(at, before)
    await need(at)
  })

  // Stale for a while: sent at once, and then asked about; and once more, beyond that while.
  async function stale(at: Scene, before: number): Promise<void> {
    at.origin.answerWith(({ headers: found }) => (found['if-none-match'] === '"1"' ? { status: 304, headers: fields } : answer))
    await pass(at.clock, 90)
    isSame(await ask(at.url, question))
    await asked(at, before + 1)
    await pass(at.clock, 150)
    const got = await ask(at.url, question)
    isSame(got)
    expect(got.headers['cache-status']).toMatch(/fwd=stale; fwd-status=304/)
  }

  async function need(at: Scene): Promise<void> {
    await pass(at.clock, 150)
    at.origin.answerWith(() => ({ status: 503 }))
    isSame(await ask(at.url, question))
  }

  test.skipIf(size < 2)('and in parts', async () => {
    await using at = await scene()
    at.origin.answerWith(() => answer)
    isSame(await ask(at.url, question))
    const last = body.length - 1
    const ranges = [
      [0, 0],
      [0, last],
      [last, last],
      [1, last],
      [Math.floor(last / 2), last],
      [0, 65_535],
      [65_535, 65_536],
      [65_536, 131_072],
    ]
    for (const [from = 0, to = 0] of ranges.filter(([first = 0]) => first <= last)) {
      const got = await ask(at.url, { headers: { ...headers, range: `bytes=${from}-${to}` } })
      const end = Math.min(to, last)
      expect(got.headers['content-range']).toBe(`bytes ${from}-${end}/${body.length}`)
      expect(got.status).toBe(206)
      expect(got.body.equals(body.subarray(from, end + 1)), `${from}-${end}`).toBe(true)
    }
    expect(at.origin.seen.length).toBe(1)
  })
})

test('several parts are between the lines that name them', async () => {
  const body = randomBytes(300_000)
  await using at = await scene()
  at.origin.answerWith(() => ({ headers: { 'cache-control': 'max-age=60' }, body }))
  await ask(at.url)
  const wanted = [
    [0, 0],
    [70_000, 140_000],
    [299_999, 299_999],
  ] as const
  const got = await ask(at.url, { headers: { range: `bytes=${wanted.map((range) => range.join('-')).join()}` } })
  const boundary = /boundary=(\w+)$/.exec(got.headers['content-type'] ?? '')?.[1]
  const parts = wanted.flatMap(([from, to], index) => [
    Buffer.from(`${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Range: bytes ${from}-${to}/300000\r\n\r\n`),
    body.subarray(from, to + 1),
  ])
  const expected = Buffer.concat([...parts, Buffer.from(`\r\n--${boundary}--\r\n`)])
  expect(got.body.equals(expected)).toBe(true)
  expect(got.headers['content-length']).toBe(String(expected.length))
})

function randomBytes(size: number): Buffer {
  const random = seededRandom(size + 1)
  return Buffer.from(Uint8Array.from({ length: size }, () => random() * 256))
}
