import { type CacheStore, memoryCacheStore, type PurgeChannel, type PurgeListener, tiered } from '@gatelet/cache'
import { sourceOf } from '@gatelet/core'
import { describeCacheStore, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { bodies, put, textOf } from '../memory/meta.ts'

const limits = { maxEntryBytes: 300_000, maxVariants: 4 }
const memory = () => memoryCacheStore({ maxBytes: 5_000_000, ...limits })

describeCacheStore('two tiers', () => ({ store: tiered(memory(), memory()), ...limits }), { describe, test })

/** A channel whose messages go to all who listen at once. */
function channelOf() {
  const listeners = new Set<PurgeListener>()
  const state = { isLive: true, listeners }
  const join = (): PurgeChannel => {
    let own: PurgeListener | undefined
    return {
      get isLive() {
        return state.isLive
      },
      publish(selector, soft) {
        for (const listener of listeners) if (listener !== own) listener.purged(selector, soft)
      },
      subscribe(listener) {
        own = listener
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
  }
  return { state, join }
}

const fresh = () => ({ requestTimeMs: 0, responseTimeMs: 0 })

function scene({ channel, nearMs }: { channel?: PurgeChannel; nearMs?: number } = {}) {
  const clock = virtualClock({ date: 0 })
  const stores = { near: memoryCacheStore({ maxBytes: 5_000_000, clock }), far: memoryCacheStore({ maxBytes: 5_000_000, clock }) }
  let asked = 0
  const far: CacheStore = {
    get(key) {
      asked++
      return stores.far.get(key)
    },
    open: (...args) => stores.far.open(...args),
    touch: (...args) => stores.far.touch(...args),
    purge: (...args) => stores.far.purge(...args),
  }
  const store = tiered(stores.near, far, { clock, ...(channel ? { channel } : {}), ...(nearMs === undefined ? {} : { nearMs }) })
  return { ...stores, clock, store, asked: () => asked }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('two tiers', () => {
  test('answer from the far one, and keep near what was read to its end', async () => {
    const { store, near, far, asked } = scene()
    await put(far, 'a', 'x'.repeat(100_000), fresh())
    expect(await bodies(store, 'a')).toEqual(['x'.repeat(100_000)])
    await settle()
    expect(await bodies(near, 'a')).toEqual(['x'.repeat(100_000)])
    expect(store.get('a')).not.toBeInstanceOf(Promise)
    expect(asked()).toBe(1)
  })

  test('keep nothing near of what was read in part', async () => {
    const { store, near, far } = scene()
    await put(far, 'a', 'x'.repeat(300_000), fresh())
    const [entry] = await store.get('a')
    const source = sourceOf(entry?.body() ?? null)
    source.pipeTo({ write: () => false, end() {}, fail() {} })
    source.cancel()
    await settle()
    expect([near.keys, near.bytes]).toEqual([0, 0])
    const part = await (await store.get('a'))[0]?.body({ start: 0, end: 9 })
    expect(part).toBeDefined()
    expect(near.keys).toBe(0)
  })

  test('find a variant that only the far one has, and ask it about the others once a second', async () => {
    const { store, far, asked, clock } = scene()
    const of = (lang: string) => ({ ...fresh(), variant: lang, requestHeaders: { 'accept-language': lang } })
    await put(far, 'a', 'de', of('de'))
    await put(store, 'a', 'en', of('en'))
    await put(far, 'a', 'fr', of('fr'))
    expect((await bodies(store, 'a')).sort()).toEqual(['de', 'en', 'fr'])
    for (let times = 0; times < 5; times++) await bodies(store, 'a')
    expect(asked()).toBe(1)
    await clock.advance(1_000)
    await store.get('a')
    expect(asked()).toBe(2)
  })

  test('tell others of a purge, and hear of theirs', async () => {
    const { join } = channelOf()
    const [one, two] = [scene({ channel: join() }), scene({ channel: join() })]
    for (const soft of [false, true]) {
      for (const { near } of [one, two]) await put(near, 'a', 'x', { ...fresh(), tags: ['t'] })
      await one.store.purge({ tag: 't' }, { soft })
      await settle()
      expect(two.near.get('a').map(({ meta }) => meta.softPurgedAt)).toEqual(soft ? [0] : [])
    }
  })

  test('empty the near one when messages may have been lost', async () => {
    const { join, state } = channelOf()
    const { store, near } = scene({ channel: join() })
    await put(store, 'a', 'x', fresh())
    for (const listener of state.listeners) listener.lost()
    await settle()
    expect(near.keys).toBe(0)
    expect(await bodies(store, 'a')).toEqual(['x'])
    await store.close?.()
    expect(state.listeners.size).toBe(0)
  })

  test.each([true, false])(
    'use a near copy no longer than nearMs while no purge can be heard (channel: %s)',
    async (hasChannel) => {
      const { join, state } = channelOf()
      state.isLive = false
      const { store, far, clock, asked } = scene({ nearMs: 5_000, ...(hasChannel ? { channel: join() } : {}) })
      await put(store, 'a', 'x', fresh())
      far.purge({ all: true })
      await clock.advance(4_999)
      expect(await bodies(store, 'a')).toEqual(['x'])
      expect(asked()).toBe(0)
      await clock.advance(1)
      expect(await bodies(store, 'a')).toEqual([])
    },
  )

  test('keep near nothing that was read before a purge', async () => {
    const { store, near, far } = scene()
    await put(far, 'a', 'old', fresh())
    const [before] = await store.get('a')
    await store.purge({ key: 'a' })
    expect(before && (await textOf(before))).toBe('old')
    await settle()
    expect(near.keys).toBe(0)
  })

  test('purge the near one also where the far one fails, and say so', async () => {
    const near = memory()
    const far: CacheStore = { ...deaf, purge: () => Promise.reject(new Error('away')) }
    const store = tiered(near, far)
    await put(near, 'a', 'x', { requestTimeMs: Date.now(), responseTimeMs: Date.now() })
    await expect(store.purge({ key: 'a' })).rejects.toThrow('away')
    expect(near.keys).toBe(0)
  })

  test('are stored where one of them takes it', async () => {
    const [near, time] = [memory(), { requestTimeMs: Date.now(), responseTimeMs: Date.now() }]
    expect(await put(tiered(near, deaf), 'a', 'x', time)).toBe(true)
    expect(await put(tiered(deaf, near), 'b', 'x', time)).toBe(true)
    expect(await put(tiered(deaf, deaf), 'c', 'x', time)).toBe(false)
    expect(near.keys).toBe(2)
  })

  test.each<[string, unknown, RegExp]>([
    ['near', {}, /near must be a store/],
    ['far', null, /far must be a store/],
    ['channel', {}, /channel must be a channel/],
    ['nearMs', -1, /nearMs must be/],
    ['clock', 1, /clock must be/],
  ])('do not start with %s of %j', (option, value, message) => {
    const { near, far, ...rest } = { near: memory(), far: memory(), [option]: value } as never as Record<string, never>
    expect(() => tiered(near as never, far as never, rest)).toThrow(message)
  })
})

const deaf: CacheStore = { get: () => [], open: () => undefined, touch() {}, purge: () => 0 }
