import { type CacheOptions, cache, memoryCacheStore } from '@gatelet/cache'
import { chain, type Middleware } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { type VirtualClock, virtualClock } from '@gatelet/testing'
import { type ScriptedOrigin, scriptedOrigin } from './scripted-origin.ts'

/** A cache between clients and an origin that answers what it is told, at a time that the test sets. */
export interface Scene extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly origin: ScriptedOrigin
  readonly clock: VirtualClock
  /** Whether nothing is asked in the background any more. */
  isIdle(): boolean
}

export interface SceneOptions {
  readonly cache?: Omit<CacheOptions, 'per'>
  readonly proxy?: ProxyOptions
  /** Stands before the cache. */
  readonly before?: Middleware
}

/** When each scene begins. */
export const start: number = Date.UTC(2026, 4, 1, 12)

export async function scene(options: SceneOptions = {}): Promise<Scene> {
  const clock = virtualClock({ date: start })
  const origin = await scriptedOrigin(clock)
  const forward = proxy(origin.url, { retries: 0, ...options.proxy })
  const layer = cache({ clock, store: memoryCacheStore({ maxBytes: 64_000_000, clock }), ...options.cache })
  const layers = chain()
    .use(options.before ?? passOn)
    .use(layer)
    .to(forward)
  const server = await serve(layers, { port: 0, host: '127.0.0.1' })
  return {
    url: server.url,
    port: server.port,
    origin,
    clock,
    isIdle: () => layer.stats().inFlight === 0,
    async [Symbol.asyncDispose]() {
      await server.close({ graceMs: 0 })
      await forward.close()
      await origin[Symbol.asyncDispose]()
    },
  }
}

const passOn: Middleware = (ctx, next) => next(ctx)

// A timer cannot wait longer than this.
const longestMs = 2_000_000_000

/** Lets seconds pass. */
export async function pass(clock: VirtualClock, seconds: number): Promise<void> {
  for (let left = seconds * 1_000; left > 0; left -= longestMs) await clock.advance(Math.min(left, longestMs))
}

/**
 * Waits until the origin was asked so often, and what came of it is stored. What is done in the background may begin a moment
 * later: the clock goes on in small steps.
 */
export async function asked({ origin, clock, isIdle }: Scene, count: number): Promise<void> {
  for (let tries = 0; origin.seen.length < count && tries < 200; tries++) await clock.advance(1)
  await until(() => origin.seen.length >= count && isIdle())
}

/** Waits until something holds, two seconds at most; then goes on, and what follows tells what is wrong. */
export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds() && tries < 400; tries++) await new Promise((resolve) => setTimeout(resolve, 5))
}
