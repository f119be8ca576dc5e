import { Duplex, PassThrough, Transform } from 'node:stream'
import { createGunzip, createGzip, gunzipSync, gzipSync } from 'node:zlib'
import { type Body, type BodyStep, bytesOf, HeaderList, lengthOf, readableOf, type Source, transformed } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { bytes, drain, tap } from './flows.ts'

const upper: BodyStep = { chunk: (chunk) => bytes(Buffer.from(chunk).toString().toUpperCase()) }
const through = (body: Body, step: BodyStep | (() => Duplex)) => transformed(body, step) as Source
const random = (size: number) => Buffer.from(Uint32Array.from({ length: size / 4 }, () => Math.random() * 2 ** 32).buffer)

describe('a step over chunks', () => {
  test('changes each', async () => {
    expect(Buffer.from(await bytesOf(transformed('abc', upper), 10)).toString()).toBe('ABC')
  })

  test('may drop a chunk, and send another at the end', () => {
    const { source } = tap()
    const { basin } = drain(through(source, { chunk: () => null, end: () => bytes('done') }))
    expect(source.push(bytes('a'))).toBe(true)
    expect(source.push(bytes('b'))).toBe(true)
    source.end()
    expect(basin.got).toEqual(['done', 'end'])
  })

  test('may send nothing at the end', () => {
    const { source } = tap((source) => source.end())
    expect(drain(through(source, { ...upper, end: () => null })).basin.got).toEqual(['end'])
  })

  test('keeps the trailers, and does not know its length', () => {
    const { source } = tap()
    source.length = 1
    const body = through(source, upper)
    expect(lengthOf(body)).toBeUndefined()
    const { basin } = drain(body)
    source.push(bytes('a'))
    source.end(new HeaderList({ status: '0' }))
    expect(basin.got).toEqual(['A', 'end: status=0'])
  })

  test('connects when it is read, not before', () => {
    const { source, told } = tap()
    const body = through(source, upper)
    expect(told).toEqual([])
    drain(body)
    expect(told).toEqual(['start'])
  })

  test('hands on pause and resume', () => {
    const { source, told } = tap()
    const { basin, flow } = drain(through(source, upper), { isFull: true })
    expect(source.push(bytes('a'))).toBe(false)
    basin.isFull = false
    flow.resume()
    expect(source.push(bytes('b'))).toBe(true)
    flow.pause()
    flow.resume()
    expect(told).toEqual(['start', 'resume', 'pause', 'resume'])
    expect(basin.got).toEqual(['A', 'B'])
  })

  test('lets what was held before it was read through, and goes on', () => {
    const { source, told } = tap()
    for (const char of 'abcdefgh') source.push(bytes(char))
    expect(drain(through(source, upper)).basin.got).toEqual([...'ABCDEFGH'])
    expect(told).toContain('resume')
    expect(source.push(bytes('i'))).toBe(true)
  })

  test.each(['chunk', 'end'] as const)('that throws at %s fails the reader and frees the producer', (at) => {
    const { source, told } = tap()
    const broken = () => {
      throw new Error('bad step')
    }
    const { basin } = drain(through(source, { ...upper, [at]: broken }))
    source.push(bytes('a'))
    source.push(bytes('b'))
    source.end()
    expect(basin.got).toEqual(at === 'chunk' ? ['fail: bad step'] : ['A', 'B', 'fail: bad step'])
    expect(told).toEqual(at === 'chunk' ? ['start', 'cancel'] : ['start'])
  })

  test('fails as the body does', () => {
    const { source } = tap()
    const { basin } = drain(through(source, upper))
    source.fail(new Error('broken'))
    expect(basin.got).toEqual(['fail: broken'])
  })

  test('of a body that was used already fails', () => {
    const { source } = tap()
    drain(source)
    expect(drain(through(source, upper)).basin.got).toEqual(['fail: A body was read twice'])
  })

  test.each([true, false])('cancelled (read: %s), it frees the producer', (isRead) => {
    const { source, told } = tap()
    const body = through(source, upper)
    if (isRead) drain(body)
    body.cancel(new Error('enough'))
    expect(told).toEqual(isRead ? ['start', 'cancel: enough'] : ['cancel: enough'])
  })
})

describe('a step through a stream', () => {
  test('is made when the body is read', async () => {
    let made = 0
    const body = transformed('abc', () => {
      made++
      return createGzip()
    })
    expect(made).toBe(0)
    expect(gunzipSync(await bytesOf(body, 1_000)).toString()).toBe('abc')
    expect(made).toBe(1)
  })

  test('carries a large body both ways', async () => {
    const original = random(3_000_000)
    const zipped = transformed(readableOf(original), () => createGzip())
    const back = await bytesOf(
      transformed(zipped, () => createGunzip()),
      4_000_000,
    )
    expect(original.equals(back)).toBe(true)
  })

  test('keeps the trailers', async () => {
    const { source } = tap((source) => {
      source.push(bytes('a'))
      source.end(new HeaderList({ status: '0' }))
    })
    const { basin } = drain(through(source, () => new PassThrough()))
    await expect.poll(() => basin.got).toEqual(['a', 'end: status=0'])
  })

  test('waits for a full reader, and lets the body wait', async () => {
    const { source, told } = tap()
    const { basin, flow } = drain(
      through(source, () => new PassThrough({ highWaterMark: 10 })),
      { isFull: true },
    )
    source.push(bytes('first'))
    await expect.poll(() => basin.got).toEqual(['first'])
    let sent = 0
    while (source.push(bytes('0123456789')) && sent < 1_000) sent++
    expect(sent).toBeLessThan(10)
    basin.isFull = false
    flow.resume()
    await expect.poll(() => told).toContain('resume')
    source.end()
    await expect.poll(() => basin.got.at(-1)).toBe('end')
    expect(basin.got.join('')).toBe(`first${'0123456789'.repeat(sent + 1)}end`)
  })

  test('cancelled by its reader in the middle, it frees the producer and the stream', async () => {
    const { source, told } = tap()
    const gzip = createGzip()
    const body = through(source, () => gzip)
    const { basin } = drain(body)
    source.push(random(100_000))
    body.cancel(new Error('reader left'))
    expect(gzip.destroyed).toBe(true)
    expect(told.at(-1)).toBe('cancel: reader left')
    const got = basin.got.length
    await new Promise((resolve) => gzip.once('close', resolve))
    expect(basin.got).toHaveLength(got)
  })

  test('cancelled before it is read, it makes no stream', () => {
    const { source, told } = tap()
    const body = through(source, () => {
      throw new Error('never made')
    })
    body.cancel()
    expect(told).toEqual(['cancel'])
  })

  test('fails as the body does, and closes the stream', async () => {
    const { source } = tap()
    const gzip = createGzip()
    const { basin } = drain(through(source, () => gzip))
    source.fail(new Error('broken'))
    await expect.poll(() => basin.got).toEqual(['fail: broken'])
    expect(gzip.destroyed).toBe(true)
  })

  test('that fails itself frees the producer, which would run on into nothing', async () => {
    const { source, told } = tap()
    const { basin } = drain(through(source, () => createGunzip()))
    source.push(bytes('this is not gzip'))
    await expect.poll(() => basin.got).toEqual(['fail: incorrect header check'])
    expect(told).toEqual(['start', 'cancel: incorrect header check'])
  })

  test('that ends before its input does frees the producer', async () => {
    const { source, told } = tap()
    const first = new Transform({
      transform(chunk, _, done) {
        this.push(chunk)
        this.push(null)
        done()
      },
    })
    const { basin } = drain(through(source, () => first))
    source.push(bytes('a'))
    await expect.poll(() => basin.got).toEqual(['a', 'end'])
    expect(told).toEqual(['start', 'cancel'])
  })

  test('that closes before its end fails the reader and frees the producer', async () => {
    const { source, told } = tap()
    const stream = new PassThrough()
    const { basin } = drain(through(source, () => stream))
    stream.destroy()
    await expect.poll(() => basin.got).toEqual(['fail: the body stream was closed before its end'])
    expect(told).toEqual(['start', 'cancel: the body stream was closed before its end'])
  })

  test('that cannot be made fails the reader and frees the producer', () => {
    const { source, told } = tap()
    const { basin } = drain(
      through(source, () => {
        throw new Error('no such coding')
      }),
    )
    expect(basin.got).toEqual(['fail: no such coding'])
    expect(told).toEqual(['cancel'])
  })

  test('of a body that was used already fails, closes the stream, and leaves the first reader alone', () => {
    const { source, told } = tap()
    const first = drain(source)
    const stream = new PassThrough()
    expect(drain(through(source, () => stream)).basin.got).toEqual(['fail: A body was read twice'])
    expect(stream.destroyed).toBe(true)
    source.push(bytes('a'))
    expect(first.basin.got).toEqual(['a'])
    expect(told).toEqual(['start'])
  })

  test('may hold everything back until the end', async () => {
    const packed = gzipSync('x'.repeat(100_000))
    expect(
      await bytesOf(
        transformed(packed, () => createGunzip()),
        100_000,
      ),
    ).toHaveLength(100_000)
  })

  test('is stopped at the limit of who reads it, however much it would make of the body', async () => {
    const packed = gzipSync(Buffer.alloc(50_000_000))
    const gunzip = createGunzip()
    await expect(
      bytesOf(
        transformed(packed, () => gunzip),
        1_000_000,
      ),
    ).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
    expect(gunzip.destroyed).toBe(true)
  })

  test('may be any duplex', async () => {
    const echo = Duplex.from(async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) yield chunk.toString().toUpperCase()
    })
    expect(
      Buffer.from(
        await bytesOf(
          transformed('abc', () => echo),
          10,
        ),
      ).toString(),
    ).toBe('ABC')
  })
})
