import { cache } from '@gatelet/cache'
import { chain, type Handler, type Reply, text } from '@gatelet/core'
import { bodyText, call, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { PlainStore } from '../fakes/plain-store.ts'

/** A handler that counts, over a cache with a clock of its own. */
function scene(answer: (n: number) => Reply | Promise<Reply>, options: object = {}) {
  const clock = virtualClock()
  const store = new PlainStore()
  let asked = 0
  const layer = cache({ store, clock, refreshJitterMs: 0, ...options })
  const handler = chain()
    .use(layer)
    .to((() => answer(++asked)) as Handler)
  return { clock, store, layer, handler, asked: () => asked }
}

const fresh = (body = 'hello', more: Record<string, string> = {}) =>
  text(body, { headers: { 'cache-control': 'max-age=60', ...more } })

describe('hits and misses', () => {
  test('asks once, and answers the next from the store', async () => {
    const { handler, asked, clock } = scene(() => fresh())
    const first = await call(handler, 'GET /a')
    expect(await bodyText(first)).toBe('hello')
    expect(first.headers.get('cache-status')).toBe('gatelet; fwd=uri-miss; fwd-status=200; stored')
    await clock.advance(5_000)
    const second = await call(handler, 'GET /a')
    expect(await bodyText(second)).toBe('hello')
    expect(second.headers.get('cache-status')).toBe('gatelet; hit; ttl=55')
    expect(second.headers.get('age')).toBe('5')
    expect(asked()).toBe(1)
  })
})
