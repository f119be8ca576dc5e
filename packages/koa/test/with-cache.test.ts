import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cache, memoryCacheStore } from '@gatelet/cache'
import { toKoa } from '@gatelet/koa'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { koas } from './koas.ts'

describe.each(koas)('a cache in front of %s', (_, KoaClass) => {
  test('answers from what middleware has answered, asks again when that is stale, and leaves errors alone', async () => {
    const clock = virtualClock({ date: Date.now() })
    const app = Object.assign(new KoaClass(), { silent: true })
    app.use(toKoa(cache({ clock, store: memoryCacheStore({ maxBytes: 1_000_000, clock }) })))
    let asked = 0
    app.use((ctx) => {
      if (ctx.path === '/fails') ctx.throw(418)
      ctx.set('cache-control', 'max-age=60')
      ctx.body = { n: ++asked }
    })
    const server = createServer(app.callback()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const get = async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method })
      return { status: response.status, body: await response.text(), said: response.headers.get('cache-status') }
    }
    expect(await get('/')).toMatchObject({ body: '{"n":1}', said: 'gatelet; fwd=uri-miss; fwd-status=200; stored' })
    expect(await get('/')).toMatchObject({ body: '{"n":1}', said: expect.stringMatching(/^gatelet; hit; ttl=\d+$/) })
    expect(await get('/', 'HEAD')).toMatchObject({ status: 200, body: '' })
    await clock.advance(61_000)
    expect(await get('/')).toMatchObject({ body: '{"n":2}' })
    const together = await Promise.all(Array.from({ length: 10 }, () => get('/other')))
    expect(new Set(together.map(({ body }) => body))).toEqual(new Set(['{"n":3}']))
    expect((await get('/fails')).status).toBe(418)
    expect(await get('/', 'POST')).toMatchObject({ said: 'gatelet; fwd=method; fwd-status=200' })
    expect(await get('/')).toMatchObject({ body: '{"n":5}' })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
