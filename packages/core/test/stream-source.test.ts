import { createReadStream } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { bytesOf, discard, sourceOf } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { Basin, bytes, drain } from './flows.ts'
import { thrown } from './thrown.ts'

// Not `once`, which rejects when the stream tells an error first.
const closed = (stream: Readable) => new Promise<void>((resolve) => stream.once('close', resolve))
const soon = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a Node stream as a source', () => {
  test('passes on its chunks and its end', async () => {
    const { basin } = drain(sourceOf(Readable.from([bytes('a'), bytes('b')])))
    await expect.poll(() => basin.got).toEqual(['a', 'b', 'end'])
  })

  test('is not started before it is read', async () => {
    let reads = 0
    const stream = new Readable({
      read() {
        reads++
        this.push(null)
      },
    })
    const source = sourceOf(stream)
    expect(source.take()).toBeUndefined()
    await soon()
    expect(reads).toBe(0)
    const { basin } = drain(source)
    await expect.poll(() => basin.got).toEqual(['end'])
  })

  test('waits for a full reader', async () => {
    const stream = new PassThrough()
    const { basin, flow } = drain(sourceOf(stream), { isFull: true })
    stream.write('a')
    await expect.poll(() => basin.got).toEqual(['a'])
    stream.write('b')
    stream.end()
    await soon()
    expect(stream.isPaused()).toBe(true)
    expect(basin.got).toEqual(['a'])
    basin.isFull = false
    flow.resume()
    await expect.poll(() => basin.got).toEqual(['a', 'b', 'end'])
    flow.pause()
    flow.resume()
  })

  test('makes bytes of text in the encoding of the stream', async () => {
    const latin1 = new PassThrough().setEncoding('latin1')
    latin1.end(Buffer.from([0xe9]))
    expect(Buffer.from(await bytesOf(latin1, 10))).toEqual(Buffer.from([0xe9]))
    const text = Readable.from(['é'], { objectMode: true })
    expect(Buffer.from(await bytesOf(text, 10)).toString()).toBe('é')
  })

  test('refuses what is not bytes, and closes the stream', async () => {
    const stream = new PassThrough({ objectMode: true })
    stream.write({ not: 'bytes' })
    const { basin } = drain(sourceOf(stream))
    await expect.poll(() => basin.got).toEqual(['fail: a body stream brought a object where bytes are needed'])
    expect(stream.destroyed).toBe(true)
  })

  test('is the same source however often it is asked for, so that it can be read once', () => {
    const stream = new PassThrough()
    expect(sourceOf(stream)).toBe(sourceOf(stream))
    expect(stream.listenerCount('error')).toBe(1)
    drain(sourceOf(stream))
    expect(thrown(() => drain(sourceOf(stream))).code).toBe('BODY_USED')
  })
})

describe('a stream that breaks', () => {
  test('before it is wrapped says its own error', async () => {
    const stream = new PassThrough()
    stream.on('error', () => {})
    stream.destroy(new Error('gone'))
    await closed(stream)
    expect(drain(sourceOf(stream)).basin.got).toEqual(['fail: gone'])
  })

  test('between wrapping and reading says its own error, and ends no process', async () => {
    const stream = createReadStream('/nowhere/at/all')
    const source = sourceOf(stream)
    await closed(stream)
    expect(drain(source).basin.got).toEqual([expect.stringContaining('ENOENT')])
  })

  test('while it is read says its own error, once', async () => {
    const stream = new PassThrough()
    const { basin } = drain(sourceOf(stream))
    stream.destroy(new Error('broken'))
    await closed(stream)
    expect(basin.got).toEqual(['fail: broken'])
  })

  test.each(['before', 'while'])('off without an error %s it is read fails too, for it has not ended', async (when) => {
    const stream = new PassThrough()
    const basin = new Basin()
    if (when === 'while') sourceOf(stream).pipeTo(basin)
    stream.destroy()
    await closed(stream)
    if (when === 'before') sourceOf(stream).pipeTo(basin)
    expect(basin.got).toEqual(['fail: the body stream was closed before its end'])
  })
})

describe('a stream that has ended already', () => {
  test('without a byte is an empty body', async () => {
    const stream = Readable.from([])
    stream.resume()
    await finished(stream)
    expect(drain(sourceOf(stream)).basin.got).toEqual(['end'])
  })

  test('because somebody else read it is no body any more', async () => {
    const stream = Readable.from([bytes('a')])
    stream.resume()
    await finished(stream)
    await expect(bytesOf(stream, 10)).rejects.toMatchObject({ code: 'BODY_USED' })
  })
})

describe('cancelled', () => {
  test('the stream is destroyed and the reader hears nothing more', async () => {
    const stream = new PassThrough()
    const { basin, flow } = drain(sourceOf(stream))
    stream.write('a')
    await expect.poll(() => basin.got).toEqual(['a'])
    flow.pause()
    stream.write('b')
    sourceOf(stream).cancel()
    sourceOf(stream).cancel()
    flow.resume()
    await closed(stream)
    expect(basin.got).toEqual(['a'])
  })

  test('an unread stream is destroyed, and its later error ends no process', async () => {
    const stream = new Readable({
      read() {},
      destroy: (_, done) => done(new Error('while closing')),
    })
    discard(stream)
    await closed(stream)
    expect(stream.destroyed).toBe(true)
    expect(thrown(() => drain(sourceOf(stream))).code).toBe('BODY_USED')
  })
})
