import { randomBytes } from 'node:crypto'
import { type MemoryCacheStoreOptions, memoryCacheStore } from '@gatelet/cache'
import { bytesOf, lengthOf, readableOf, sourceOf } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { bodies, metaOf, put, textOf } from './meta.ts'

const storeOf = (options: Partial<MemoryCacheStoreOptions> = {}) => {
  const clock = virtualClock({ date: 0 })
  return { clock, store: memoryCacheStore({ maxBytes: 1_000_000, clock, ...options }) }
}

describe('a store in memory', () => {
  test('shows an entry once it is committed, and not before', async () => {
    const { store } = storeOf()
    const writer = store.open('a', '', metaOf())
    writer?.write(Buffer.from('hel'))
    expect(store.get('a')).toEqual([])
    writer?.write(Buffer.from('lo'))
    expect(writer?.commit()).toBe(true)
    expect(store.get('a')[0]?.meta.bodyBytes).toBe(5)
    expect(await bodies(store, 'a')).toEqual(['hello'])
  })

  test('keeps a small body in a buffer of its own, whatever it was cut from', async () => {
    const { store } = storeOf()
    const slab = Buffer.from('x'.repeat(50_000))
    const writer = store.open('a', '', metaOf())
    for (const [from, to] of [
      [0, 100],
      [200, 450],
      [1_000, 1_001],
    ] as const)
      writer?.write(slab.subarray(from, to))
    writer?.commit()
    slab.fill('y')
    const body = store.get('a')[0]?.body() as Buffer
    expect(body.byteLength).toBe(351)
    expect(body.buffer.byteLength).toBe(351)
    expect(body.toString()).toBe('x'.repeat(351))
    expect(sourceOf(body).take()).toBe(body)
  })

  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 300_001])(
    'gives back a body of %i bytes, whole and by parts, however it came',
    async (size) => {
      const { store } = storeOf({ maxBytes: 10_000_000 })
      const bytes = randomBytes(size)
      for (const [announced, step] of [
        [undefined, 1_000],
        [size, 1_000],
        [undefined, 65_536],
        [size, 100_000],
        [undefined, 70_001],
      ] as const) {
        const writer = store.open('a', '', metaOf(announced === undefined ? {} : { bodyBytes: announced }))
        for (let at = 0; at < size; at += step) expect(writer?.write(bytes.subarray(at, at + step))).toBe(true)
        expect(writer?.commit()).toBe(true)
        const [entry] = store.get('a')
        expect(entry?.meta.bodyBytes).toBe(size)
        const body = entry?.body() ?? null
        expect(lengthOf(body)).toBe(size)
        expect(Buffer.from(await bytesOf(body, size)).equals(bytes)).toBe(true)
        for (const [start, end] of [
          [0, 0],
          [65_530, 65_540],
          [size - 3, size - 1],
          [0, size - 1],
        ] as const) {
          if (start < 0 || end >= size) continue
          const part = entry?.body({ start, end }) ?? null
          expect(lengthOf(part)).toBe(end - start + 1)
          expect(Buffer.from(await bytesOf(part, size)).equals(bytes.subarray(start, end + 1))).toBe(true)
        }
      }
    },
  )

  test('gives a large body at the pace of its reader, and stops for one who leaves', async () => {
    const { store } = storeOf({ maxBytes: 10_000_000 })
    await put(store, 'a', Buffer.alloc(1_000_000, 'z'))
    const chunks: number[] = []
    const source = sourceOf(store.get('a')[0]?.body() ?? null)
    const flow = source.pipeTo({
      write: (chunk) => {
        chunks.push(chunk.byteLength)
        return false
      },
      end: () => chunks.push(-1),
      fail: () => chunks.push(-2),
    })
    const before = chunks.length
    flow.resume()
    expect(chunks.length).toBe(before + 1)
    source.cancel()
    flow.resume()
    expect(chunks.length).toBe(before + 1)
    let size = 0
    for await (const chunk of readableOf(store.get('a')[0]?.body() ?? null)) size += chunk.length
    expect(size).toBe(1_000_000)
  })

  test('replaces an entry by one of the same variant, and keeps the others beside it, at most so many', async () => {
    const { store } = storeOf({ maxVariants: 3 })
    for (const variant of ['a', 'b', 'a', 'c', 'd']) await put(store, 'k', `${variant}`, { variant })
    expect(store.get('k').map(({ variant }) => variant)).toEqual(['a', 'c', 'd'])
    expect(await bodies(store, 'k')).toEqual(['a', 'c', 'd'])
  })

  test('lets go of the keys that nobody asked for the longest', async () => {
    const { store } = storeOf({ maxBytes: 100_000 })
    for (let key = 0; key < 8; key++) {
      await put(store, `${key}`, Buffer.alloc(20_000))
      store.get('0')
    }
    expect(store.get('0').length).toBe(1)
    expect(store.get('1')).toEqual([])
    expect(store.get('7').length).toBe(1)
    expect(store.bytes).toBeLessThanOrEqual(100_000)
  })

  test('keeps one key within all bytes that there are', async () => {
    const { store } = storeOf({ maxBytes: 100_000 })
    for (let variant = 0; variant < 20; variant++) {
      expect(await put(store, 'k', Buffer.alloc(30_000), { variant: `${variant}` })).toBe(true)
      expect(store.bytes).toBeLessThanOrEqual(100_000)
    }
    expect(store.get('k').at(-1)?.variant).toBe('19')
  })

  test('counts what is being written, and takes no more than half of its memory for that', () => {
    const { store } = storeOf({ maxBytes: 1_000_000 })
    const writers = Array.from({ length: 30 }, (_, key) => store.open(`${key}`, '', metaOf()))
    const taken = writers.filter((writer) => writer?.write(Buffer.alloc(40_000)))
    expect(taken.length).toBeGreaterThan(5)
    expect(store.bytes).toBeGreaterThan(taken.length * 40_000)
    expect(store.bytes).toBeLessThanOrEqual(500_000)
    for (const writer of writers) writer?.abort()
    expect(store.bytes).toBe(0)
    for (const writer of writers) expect([writer?.write(Buffer.from('x')), writer?.commit()]).not.toContain(true)
    expect(store.bytes).toBe(0)
  })

  test('gives up what is longer than one may be, known or not', async () => {
    const { store } = storeOf({ maxEntryBytes: 1_000 })
    expect(store.open('a', '', metaOf({ bodyBytes: 1_001 }))).toBeUndefined()
    const writer = store.open('a', '', metaOf())
    expect(writer?.write(Buffer.alloc(1_000))).toBe(true)
    expect(writer?.write(Buffer.alloc(1))).toBe(false)
    expect(writer?.commit()).toBe(false)
    expect(store.get('a')).toEqual([])
    expect(store.bytes).toBe(0)
  })

  test('forgets what is of no use any more, also where nobody asks for it', async () => {
    const { store, clock } = storeOf()
    await put(store, 'asked', 'x')
    await put(store, 'never asked', 'x')
    await put(store, 'with a validator', 'x', { headers: ['cache-control', 'max-age=60', 'etag', '"1"'] })
    await clock.advance(60_000)
    expect(store.get('asked')).toEqual([])
    expect(store.get('with a validator').length).toBe(1)
    for (let key = 0; key < 3; key++) await put(store, `new ${key}`, 'x', { requestTimeMs: 60_000, responseTimeMs: 60_000 })
    expect(store.keys).toBe(4)
  })

  test('stores nothing that is of no use when it comes', async () => {
    const { store } = storeOf()
    expect(await put(store, 'a', 'x', { headers: ['cache-control', 'max-age=0'] })).toBe(false)
    expect(store.bytes).toBe(0)
  })

  test('purges by key, prefix, tag, or all, and says how many', async () => {
    const { store } = storeOf()
    const fill = async () => {
      for (const key of ['http://a/x', 'http://a/y', 'http://b/x'])
        for (const variant of ['1', '2']) await put(store, key, key, { variant, tags: variant === '1' ? ['one', key] : [] })
    }
    for (const [selector, purged, keys] of [
      [{ key: 'http://a/x' }, 2, 2],
      [{ prefix: 'http://a/' }, 4, 1],
      [{ tag: 'one' }, 3, 3],
      [{ tag: 'nobody has it' }, 0, 3],
      [{ all: true }, 6, 0],
    ] as const) {
      await fill()
      expect([store.purge(selector), store.keys]).toEqual([purged, keys])
    }
    expect(store.bytes).toBe(0)
    expect(store.purge({ tag: 'one' })).toBe(0)
  })

  test('softly makes stale what it is told, without losing it', async () => {
    const { store, clock } = storeOf()
    await put(store, 'a', 'a', { tags: ['t'] })
    await put(store, 'b', 'b')
    await clock.advance(1_000)
    expect(store.purge({ tag: 't' }, { soft: true })).toBe(1)
    await clock.advance(1_000)
    expect(store.purge({ all: true }, { soft: true })).toBe(2)
    expect(store.get('a')[0]?.meta.softPurgedAt).toBe(1_000)
    expect(store.get('b')[0]?.meta.softPurgedAt).toBe(2_000)
    expect(await bodies(store, 'a')).toEqual(['a'])
  })

  test.each([[{ key: 'a' }], [{ prefix: '' }], [{ tag: 't' }], [{ all: true }]] as const)(
    'does not store what was opened before a purge of %j, and softly stores it as stale',
    (selector) => {
      const { store, clock } = storeOf()
      const opened = (tags = ['t']) => ({ writer: store.open('a', '', metaOf()), meta: metaOf({ tags }) })
      const hard = opened()
      store.purge(selector)
      const next = opened()
      expect(hard.writer?.commit(hard.meta)).toBe(false)
      expect(next.writer?.commit(next.meta)).toBe(true)
      const soft = opened()
      store.purge(selector, { soft: true })
      expect(soft.writer?.commit(soft.meta)).toBe(true)
      expect(store.get('a')[0]?.meta.softPurgedAt).toBe(clock.date())
      const other = opened()
      store.purge({ key: 'b' })
      store.purge({ tag: 'u' })
      expect(other.writer?.commit(other.meta)).toBe(true)
      expect(store.get('a')[0]?.meta.softPurgedAt).toBeUndefined()
    },
  )

  test('does not store what is so long on its way that it is not known any more what was purged meanwhile', () => {
    const { store } = storeOf()
    const writer = store.open('a', '', metaOf())
    for (let purged = 0; purged <= 1_001; purged++) store.purge({ key: `${purged}` })
    expect(writer?.commit()).toBe(false)
  })

  test('renews meta data of what is there, and of nothing that came after', async () => {
    const { store } = storeOf()
    await put(store, 'a', 'old')
    const [old] = store.get('a')
    if (!old) throw new Error('nothing is stored')
    store.touch('a', old, metaOf({ status: 203, bodyBytes: 99, tags: ['t'] }))
    expect(store.get('a')[0]?.meta).toMatchObject({ status: 203, bodyBytes: 3, tags: ['t'] })
    expect(store.purge({ tag: 't' }, { soft: true })).toBe(1)
    await put(store, 'a', 'new')
    store.touch('a', old, metaOf({ status: 404 }))
    expect(store.get('a')[0]?.meta).toMatchObject({ status: 200 })
    store.purge({ key: 'a' })
    store.touch('a', old, metaOf())
    expect(store.get('a')).toEqual([])
  })

  test('leaves stale what was purged softly after it was read, and is renewed by who read it before', async () => {
    const { store } = storeOf()
    await put(store, 'a', 'x')
    const [read] = store.get('a')
    store.purge({ key: 'a' }, { soft: true })
    const [purged] = store.get('a')
    if (!read || !purged) throw new Error('nothing is stored')
    store.touch('a', read, metaOf())
    expect(store.get('a')[0]?.meta.softPurgedAt).toBe(0)
    store.touch('a', purged, metaOf())
    expect(store.get('a')[0]?.meta.softPurgedAt).toBeUndefined()
  })

  test('lets who reads a body finish, also when it is purged meanwhile', async () => {
    const { store } = storeOf({ maxBytes: 10_000_000 })
    await put(store, 'a', 'x'.repeat(300_000))
    const [entry] = store.get('a')
    store.purge({ all: true })
    expect(entry && (await textOf(entry))).toBe('x'.repeat(300_000))
  })

  test.each<[string, unknown, RegExp]>([
    ['maxBytes', 1_000, /maxBytes must be a whole number of bytes from 65536/],
    ['maxEntryBytes', 0, /maxEntryBytes must be a whole number of bytes from 1/],
    ['maxEntryBytes', 500_001, /maxEntryBytes must be at most half of maxBytes, 500000/],
    ['maxVariants', 0, /maxVariants must be a whole number from 1 to 1000/],
    ['policy', { keepMs: -1 }, /policy.keepMs must be/],
    ['clock', {}, /clock must be/],
  ])('%s of %j stops the start', (option, value, message) => {
    expect(() => memoryCacheStore({ maxBytes: 1_000_000, [option]: value })).toThrow(message)
  })
})
