import { Readable } from 'node:stream'
import type { CacheStore, EntryWriter, StoredEntry, StoredMeta } from '@gatelet/cache'
import { cache } from '@gatelet/cache'
import { chain, subscribe, text } from '@gatelet/core'
import { call, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { PlainStore } from '../fakes/plain-store.ts'
import { fresh, seen } from './scene.ts'

/** A cache over a store of which some methods are others. */
function over(broken: Partial<CacheStore>, plain: PlainStore = new PlainStore()) {
  const clock = virtualClock()
  const store: CacheStore = {
    get: (key) => plain.get(key),
    open: (key, variant, meta) => plain.open(key, variant, meta),
    touch: (key, entry, meta) => plain.touch(key, entry, meta),
    purge: (selector, options) => plain.purge(selector, options),
    ...broken,
  }
  let asked = 0
  const layer = cache({ store, clock, refreshJitterMs: 0 })
  const handler = chain()
    .use(layer)
    .to((ctx) => (ctx.request.method === 'GET' ? fresh(`body ${++asked}`) : text('done')))
  const failures: string[] = []
  subscribe('cache:store-failed', ({ operation }) => failures.push(operation))
  return { clock, plain, layer, failures, asked: () => asked, get: (request = '/') => seen(call(handler, request, { clock })) }
}

const away = () => {
  throw new Error('away')
}

const meta = (change: Partial<StoredMeta> = {}): StoredMeta => ({
  url: 'http://localhost/',
  status: 200,
  headers: ['Cache-Control', 'max-age=60'],
  requestHeaders: {},
  requestTimeMs: Date.UTC(2026, 0, 1),
  responseTimeMs: Date.UTC(2026, 0, 1),
  bodyBytes: 5,
  tags: [],
  ...change,
})

const entry = (body: StoredEntry['body'], change: object = {}): StoredEntry => ({
  id: '1',
  variant: '0',
  meta: meta(change),
  body,
})

describe('a store that cannot be trusted', () => {
  test.each<[string, CacheStore['get']]>([
    ['throws', away],
    ['rejects', () => Promise.reject(new Error('away'))],
    ['gives no list', () => 'nothing' as never],
    ['gives what is no entry', () => [null] as never],
    ['gives an entry without a body', () => [{ meta: meta() }] as never],
    ['gives meta data of the wrong shape', () => [entry(() => 'hello', { headers: ['Age'] })]],
    ['gives an entry of another path', () => [entry(() => 'hello', { url: 'http://localhost/other' })]],
    ['gives an entry of another host', () => [entry(() => 'hello', { url: 'http://other/' })]],
    ['gives a status that is none', () => [entry(() => 'hello', { status: 7 })]],
  ])('that %s is as good as empty', async (_, get) => {
    const { get: ask, failures, layer } = over({ get })
    expect(await ask()).toMatchObject({ status: 200, body: 'body 1' })
    expect(await ask()).toMatchObject({ status: 200, body: 'body 2' })
    expect(failures).toEqual(['get', 'get'])
    expect(layer.stats().storeFailures).toBe(2)
  })

  test('that never ends what it is given keeps nothing of it here', async () => {
    const writer: EntryWriter = { write: () => true, commit: () => new Promise(() => {}), abort() {} }
    const { get, clock, failures, layer } = over({ open: () => writer })
    const asking = get()
    await clock.advance(1_000)
    expect(layer.stats().inFlight).toBe(1)
    await clock.advance(9_000)
    expect(await asking).toMatchObject({ status: 200, body: 'body 1' })
    expect([layer.stats().inFlight, clock.pending, failures]).toEqual([0, 0, ['commit']])
  })

  test('that does not answer in time is not waited for, and hears of it', async () => {
    let signal: AbortSignal | undefined
    const { get, clock, failures } = over({
      get: (_, options) => {
        signal = options?.signal
        return new Promise(() => {})
      },
    })
    const asking = get()
    await clock.advance(50)
    expect((await asking).body).toBe('body 1')
    expect([signal?.aborted, failures]).toEqual([true, ['get']])
    expect(clock.pending).toBe(0)
  })

  test('that is late, and fails then as well, has failed once', async () => {
    const { get, clock, layer } = over({
      get: (_, options) =>
        new Promise((_resolve, reject) => options?.signal?.addEventListener('abort', () => reject(options.signal?.reason))),
    })
    const asking = get()
    await clock.advance(50)
    expect((await asking).body).toBe('body 1')
    expect(layer.stats().storeFailures).toBe(1)
  })

  test.each<[string, StoredEntry['body']]>([
    ['is too short', () => 'hell'],
    ['is too long', () => Buffer.from('hello!')],
    ['cannot be had', away],
  ])('whose body %s is asked for anew', async (_, body) => {
    const { get, failures } = over({ get: () => [entry(body)] })
    expect(await get()).toMatchObject({ status: 200, body: 'body 1', said: 'fwd=miss; fwd-status=200; stored; detail=store' })
    expect(failures).toEqual(['body'])
  })

  test.each([
    ['too little', ['hel']],
    ['too much', ['hello', '!']],
  ])('whose body brings %s breaks it off', async (_, chunks) => {
    const { get } = over({ get: () => [entry(() => Readable.from(chunks.map((chunk) => Buffer.from(chunk))))] })
    await expect(get()).rejects.toThrow('another length')
  })

  test.each<[string, Partial<CacheStore>, string[]]>([
    ['does not open', { open: away }, ['open']],
    ['takes nothing', { open: () => undefined }, []],
    ['fails at a write', { open: () => ({ ...writer, write: away }) }, ['write']],
    ['gives up', { open: () => ({ ...writer, write: () => false }) }, []],
    ['fails at the end', { open: () => ({ ...writer, commit: () => Promise.reject(new Error('away')) }) }, ['commit']],
    ['fails to drop what it gave up', { open: () => ({ ...writer, write: () => false, abort: away }) }, ['write']],
  ])('that %s does not disturb the reply', async (_, broken, failed) => {
    const { get, failures, layer } = over(broken)
    expect(await get()).toMatchObject({ status: 200, body: 'body 1' })
    expect(await get()).toMatchObject({ status: 200, body: 'body 2' })
    expect(failures).toEqual([...failed, ...failed])
    expect(layer.stats()).toMatchObject({ stored: 0, inFlight: 0 })
  })

  test('that cannot forget does not hold up a write', async () => {
    const { get, clock, failures } = over({ purge: () => new Promise(() => {}) })
    const writing = get('POST /')
    await clock.advance(50)
    expect(await writing).toMatchObject({ status: 200, body: 'done' })
    expect(failures).toEqual(['purge'])
  })

  test('tells who purges by hand that it has failed', async () => {
    const { layer } = over({ purge: () => Promise.reject(new Error('away')) })
    await expect(layer.purge({ all: true })).rejects.toThrow('away')
  })
})

const writer: EntryWriter = { write: () => true, commit: () => true, abort() {} }
