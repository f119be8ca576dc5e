import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { cache, memoryCacheStore, tiered } from '@gatelet/cache'
import { chain, type EventMap, subscribe } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { redisCacheStore, redisPurgeChannel } from '@gatelet/redis'
import { origins, requireProgram, startRedis } from '@gatelet/testing'
import { createClient } from 'redis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { connected } from '../clients.ts'
import { type Cuttable, cuttable } from './cuttable.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

// Longer than the default: the machine that tests may be busy.
const TIMEOUT_MS = 250

/** A gateway with a cache in Redis, whose way there can be cut, in front of an upstream that counts its answers. */
async function scene({ isTiered = false } = {}) {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const undo: (() => unknown)[] = []
  const used = <T extends AsyncDisposable>(what: T): T => {
    undo.push(() => what[Symbol.asyncDispose]())
    return what
  }
  const redis = used(await startRedis())
  const path = used(await cuttable(redis.port))
  const farm = used(await origins(1))
  const { client } = used(await connected(createClient({ url: path.url, disableOfflineQueue: true })))
  const far = redisCacheStore(client, {
    timeoutMs: TIMEOUT_MS,
    writeTimeoutMs: 2 * TIMEOUT_MS,
    breaker: { failures: 3, openMs: 100 },
  })
  const near = async () => {
    const subscriber = used(await connected(client.duplicate()))
    const channel = redisPurgeChannel(client, subscriber.client)
    undo.push(() => channel.close())
    return tiered(memoryCacheStore({ maxBytes: 1_000_000 }), far, { channel, nearMs: 1 })
  }
  const store = isTiered ? await near() : far
  undo.push(() => store.close?.())
  const layer = cache({ store, storeTimeoutMs: 2 * TIMEOUT_MS })
  const handler = chain()
    .use(layer)
    .to(proxy(farm.urls[0] as string))
  const server = await serve(handler, { host: '127.0.0.1', port: 0 })
  undo.push(() => server.close())
  let answers = 0
  const origin = farm.servers[0] as (typeof farm.servers)[0]
  origin.handler = (req, res) => {
    res.setHeader('cache-control', 'public, max-age=600')
    res.end(`${req.url} ${++answers} ${'x'.repeat(100_000)}`)
  }
  const changes: EventMap['store:changed'][] = []
  undo.push(subscribe('store:changed', (event) => changes.push(event)))
  /** Asks, and sees to it that the answer is whole, of this path, and no older than `since`. */
  const ask = async (of: string, since = 0) => {
    const from = performance.now()
    const response = await fetch(`${server.url}${of}`)
    const [path, number, rest] = (await response.text()).split(' ')
    expect([response.status, path, rest?.length]).toEqual([200, of, 100_000])
    expect(Number(number)).toBeGreaterThan(since)
    expect(performance.now() - from).toBeLessThan(10 * 2 * TIMEOUT_MS)
    return { isHit: /; hit/.test(response.headers.get('cache-status') ?? '') }
  }
  const purge = (of: string) => layer.purge({ key: new URL(of, server.url).href })
  const close = async () => {
    for (const one of undo.reverse()) await one()
  }
  return { path, far, ask, purge, changes, answers: () => answers, [Symbol.asyncDispose]: close }
}

type Scene = Awaited<ReturnType<typeof scene>>

const stores = async ({ ask }: Scene, of: string) =>
  expect.poll(async () => (await ask(of)).isHit, { timeout: 20_000 }).toBe(true)

const faults: readonly (readonly [what: string, change: (path: Cuttable) => void])[] = [
  ['is cut', (path) => (path.state = 'cut')],
  ['is dead', (path) => (path.state = 'dead')],
  ['is slow', (path) => (path.delayMs = 4 * TIMEOUT_MS)],
]

function mended(path: Cuttable): void {
  path.delayMs = 0
  path.state = 'open'
}

describe.skipIf(!requireProgram('redis-server'))('a cache whose way to Redis', () => {
  test.each(faults)(
    '%s asks the upstream in time, leaves Redis alone, and has what it stored when it is back',
    async (_, change) => {
      await using gateway = await scene()
      const { path, far, ask, changes, answers } = gateway
      await stores(gateway, '/a')
      change(path)
      const stored = answers()
      for (let times = 0; times < 6; times++) expect((await ask('/a', stored)).isHit).toBe(false)
      expect(far.isAvailable).toBe(false)
      mended(path)
      await stores(gateway, '/a')
      await stores(gateway, '/new')
      expect(changes.map(({ isAvailable }) => isAvailable).slice(0, 2)).toEqual([false, true])
      expect(changes.at(-1)?.isAvailable).toBe(true)
    },
    60_000,
  )

  test.each(faults)(
    '%s sends nothing that was purged meanwhile, not even when Redis is back with it',
    async (_, change) => {
      for (const isTiered of [false, true]) {
        await using gateway = await scene({ isTiered })
        const { path, ask, purge, answers } = gateway
        await stores(gateway, '/a')
        change(path)
        const before = answers()
        await expect(purge('/a')).rejects.toMatchObject({ code: expect.stringMatching(/^STORE_/) })
        await ask('/a', before)
        mended(path)
        for (let times = 0; times < 20; times++) await ask('/a', before)
        await expect.poll(async () => (await ask('/a', before)).isHit, { timeout: 20_000 }).toBe(true)
      }
    },
    90_000,
  )

  test('comes and goes keeps nothing of what was on its way', async () => {
    await using gateway = await scene()
    const { path, ask } = gateway
    onTestFinished(() => mended(path))
    const used = () => {
      gc()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    const round = async (at: number) => {
      path.state = at % 3 === 2 ? 'dead' : at % 3 === 1 ? 'cut' : 'open'
      await Promise.all(Array.from({ length: 20 }, (_, one) => ask(`/${at}/${one}`)))
    }
    for (let at = 0; at < 6; at++) await round(at)
    mended(path)
    await stores(gateway, '/before')
    const before = used()
    for (let at = 6; at < 24; at++) await round(at)
    mended(path)
    await stores(gateway, '/after')
    // 360 bodies of 100,000 bytes went through; what was given up is freed when its deadlines are over.
    await expect.poll(() => used() - before, { timeout: 20_000 }).toBeLessThan(5_000_000)
  }, 180_000)
})
