import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { type Body, bytesOf, discard, HeaderList, lengthOf, readableOf, type Source, sourceOf } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { bytes, drain, spring, tap } from './flows.ts'
import { thrown } from './thrown.ts'

const asText = (list: Uint8Array) => Buffer.from(list).toString()
const closed = (stream: Readable) => new Promise<void>((resolve) => stream.once('close', resolve))

describe('sourceOf', () => {
  test.each<[string, Body, string[], number]>([
    ['nothing', null, [], 0],
    ['an empty string', '', [], 0],
    ['a string', 'é', ['é'], 2],
    ['no bytes', new Uint8Array(0), [], 0],
    ['bytes', bytes('xy'), ['xy'], 2],
  ])('of %s has the whole body at once', (_, body, chunks, length) => {
    expect(sourceOf(body).length).toBe(length)
    expect(drain(sourceOf(body)).basin.got).toEqual([...chunks, 'end'])
    const taken = sourceOf(body).take()
    expect(taken ? asText(taken) : taken).toBe(chunks[0] ?? null)
  })

  test('of a source is that source', () => {
    const { source } = tap()
    expect(sourceOf(source)).toBe(source)
  })
})

describe('lengthOf', () => {
  test.each<[string, Body, number | undefined]>([
    ['nothing', null, 0],
    ['a string, in bytes', 'é', 2],
    ['bytes', new Uint8Array(3), 3],
    ['a part of a buffer', Buffer.from('abcdef').subarray(2, 4), 2],
    ['a stream', new PassThrough(), undefined],
    ['a source that does not know', tap().source, undefined],
    ['a source that knows', Object.assign(tap().source, { length: 9 }), 9],
  ])('of %s', (_, body, length) => {
    expect(lengthOf(body)).toBe(length)
  })
})

describe('bytesOf', () => {
  test.each<[string, () => Body, string]>([
    ['nothing', () => null, ''],
    ['a string', () => 'abc', 'abc'],
    ['bytes', () => bytes('abc'), 'abc'],
    ['a stream', () => Readable.from([bytes('a'), bytes('bc')]), 'abc'],
    ['an empty stream', () => Readable.from([]), ''],
    ['a source that pushes all of it at its start', () => spring('abc'), 'abc'],
    ['a source with trailers', () => spring('abc', new HeaderList({ a: 'b' })), 'abc'],
  ])('reads %s', async (_, body, text) => {
    expect(asText(await bytesOf(body(), 3))).toBe(text)
  })

  test('reads a source that is here already', async () => {
    const { source } = tap()
    source.push(bytes('abc'))
    source.end()
    expect(asText(await bytesOf(source, 3))).toBe('abc')
  })

  test('reads what comes later', async () => {
    const { source } = tap()
    const reading = bytesOf(source, 100)
    source.push(bytes('a'))
    source.push(bytes('b'))
    source.end()
    expect(asText(await reading)).toBe('ab')
  })

  const tooLarge = { code: 'BODY_TOO_LARGE', status: 413, detail: 'At most 2 bytes are allowed' }

  test.each<[string, () => Body]>([
    ['a string', () => 'abc'],
    ['bytes', () => bytes('abc')],
    [
      'a source that is here already and did not say its length',
      () => {
        const { source } = tap()
        source.push(bytes('abc'))
        source.end()
        return source
      },
    ],
    ['a stream', () => Readable.from([bytes('abc')])],
  ])('refuses %s beyond the limit', async (_, body) => {
    await expect(bytesOf(body(), 2)).rejects.toMatchObject(tooLarge)
  })

  test('does not start a body that says that it is too large', async () => {
    const { source, told } = tap()
    source.length = 3
    await expect(bytesOf(source, 2)).rejects.toMatchObject(tooLarge)
    expect(told).toEqual(['cancel'])
  })

  test('cancels a body that turns out to be too large, and keeps nothing of it', async () => {
    const { source, told } = tap((source) => {
      for (let i = 0; i < 5; i++) source.push(bytes('x'))
    })
    const reading = bytesOf(source, 2)
    await expect(reading).rejects.toMatchObject(tooLarge)
    expect(told).toEqual(['start', 'cancel'])
  })

  test('fails as the body does', async () => {
    const { source } = tap()
    const reading = bytesOf(source, 2)
    source.fail(new Error('broken'))
    await expect(reading).rejects.toThrow('broken')
  })

  test('cannot read a body twice', async () => {
    const { source } = tap()
    source.end()
    await bytesOf(source, 2)
    await expect(bytesOf(source, 2)).rejects.toMatchObject({ code: 'BODY_USED', status: 500 })
  })
})

describe('readableOf', () => {
  test('gives a Node stream as it is', () => {
    const stream = new PassThrough()
    expect(readableOf(stream)).toBe(stream)
  })

  test.each<[Body, string]>([
    [null, ''],
    ['abc', 'abc'],
    [bytes('abc'), 'abc'],
  ])('of %j', async (body, text) => {
    expect(Buffer.concat(await readableOf(body).toArray()).toString()).toBe(text)
  })

  test('asks for nothing until it is read', async () => {
    const { source, told } = tap((source) => source.end())
    const stream = readableOf(source)
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual([])
    await stream.toArray()
    expect(told).toEqual(['start'])
  })

  test('lets the source wait while nobody reads on', async () => {
    const { source, told } = tap()
    const stream = readableOf(source)
    stream.read(0)
    while (source.push(Buffer.alloc(1_000)));
    expect(stream.readableLength).toBeGreaterThanOrEqual(stream.readableHighWaterMark)
    expect(told).toEqual(['start'])
    stream.resume()
    await expect.poll(() => told).toContain('resume')
    expect(source.push(bytes('x'))).toBe(true)
  })

  test('fails as the source does', async () => {
    const { source } = tap()
    const stream = readableOf(source)
    stream.resume()
    const failed = once(stream, 'error')
    await expect.poll(() => stream.readableFlowing).toBe(true)
    source.fail(new Error('broken'))
    expect(await failed).toMatchObject([{ message: 'broken' }])
  })

  test('of a body that was used already fails when it is read, and throws nothing', async () => {
    const { source } = tap()
    drain(source)
    await expect(readableOf(source).toArray()).rejects.toMatchObject({ code: 'BODY_USED' })
  })

  test('destroyed before it was read, it cancels the source without starting it', async () => {
    const { source, told } = tap()
    const stream = readableOf(source)
    stream.destroy()
    await closed(stream)
    expect(told).toEqual(['cancel'])
  })

  test('destroyed while it is read, it cancels the source, with the reason', async () => {
    const { source, told } = tap()
    const stream = readableOf(source)
    stream.on('error', () => {})
    stream.resume()
    await expect.poll(() => told).toEqual(['start'])
    stream.destroy(new Error('reader left'))
    await closed(stream)
    expect(told).toEqual(['start', 'cancel: reader left'])
    expect(source.push(bytes('late'))).toBe(true)
  })

  test('read to its end, it cancels nothing', async () => {
    const { source, told } = tap((source) => source.end())
    const stream = readableOf(source)
    await stream.toArray()
    expect(stream.destroyed).toBe(true)
    expect(told).toEqual(['start'])
  })
})

describe('discard', () => {
  test('frees what produces the body', () => {
    const { source, told } = tap()
    discard(source)
    discard(source)
    expect(told).toEqual(['cancel'])
  })

  test('destroys a stream', async () => {
    const stream = new PassThrough()
    discard(stream)
    await closed(stream)
    expect(stream.destroyed).toBe(true)
  })

  test.each<[Body]>([[null], ['x'], [bytes('x')]])('leaves %j alone', (body) => {
    expect(() => discard(body)).not.toThrow()
  })

  test('does nothing to a body that was read', () => {
    const { source, told } = tap((source) => source.end())
    drain(source)
    discard(source)
    expect(told).toEqual(['start'])
    expect(thrown(() => drain(source as Source)).code).toBe('BODY_USED')
  })
})
