import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { amended, chain, type Middleware, text } from '@gatelet/core'
import { toKoa } from '@gatelet/koa'
import { rawRequest } from '@gatelet/testing'
import Router from '@koa/router'
import type Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import compress from 'koa-compress'
import mount from 'koa-mount'
import { describe, expect, test } from 'vitest'
import { koas } from './koas.ts'

/** What a layer of ours does to show that it was there. */
const stamped: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  reply.headers.set('x-stamp', 'seen')
  return reply
}

async function listening(app: Koa): Promise<AsyncDisposable & { url: string; port: number }> {
  const server = createServer(app.callback())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.each(koas)('%s, with middleware that people use', (_, KoaClass) => {
  const silent = () => Object.assign(new KoaClass(), { silent: true })

  test.each(['before', 'after'] as const)('koa-compress %s ours compresses, and our layer is seen', async (place) => {
    const app = silent()
    const theirs = compress({ threshold: 0, br: false })
    for (const layer of place === 'before' ? [theirs, toKoa(stamped)] : [toKoa(stamped), theirs]) app.use(layer)
    app.use((ctx) => {
      ctx.type = 'text/plain'
      ctx.body = 'hello '.repeat(1_000)
    })
    await using server = await listening(app)
    const { responses } = await rawRequest(server.port, 'GET / HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n')
    const [response] = responses
    expect(response?.headers.get('content-encoding')).toBe('gzip')
    expect(response?.headers.get('x-stamp')).toBe('seen')
    expect(gunzipSync(response?.body ?? Buffer.alloc(0)).toString()).toBe('hello '.repeat(1_000))
  })

  test('@koa/router behind ours routes, and knows what our layer learned', async () => {
    const known = toKoa(chain().provide(() => ({ caller: 'ada' })))
    const router = new Router()
    router.get('/users/:id', (ctx) => {
      ctx.body = { id: ctx.params['id'], caller: known.state(ctx).caller }
    })
    const app = silent()
    for (const layer of [known, toKoa(stamped), router.routes(), router.allowedMethods()]) app.use(layer as Koa.Middleware)
    await using server = await listening(app)
    const reply = await fetch(`${server.url}/users/7`)
    expect([await reply.json(), reply.headers.get('x-stamp')]).toEqual([{ id: '7', caller: 'ada' }, 'seen'])
    const refused = await fetch(`${server.url}/users/7`, { method: 'DELETE' })
    expect([refused.status, refused.headers.get('x-stamp')]).toEqual([405, 'seen'])
    expect(await (await fetch(`${server.url}/nothing`)).text()).toBe('Not Found')
  })

  test('@koa/router takes ours in front of one of its routes', async () => {
    const members = toKoa(chain().provide(() => ({ caller: 'ada' })))
    const router = new Router()
    router.get('/me/:id', members, (ctx) => {
      ctx.body = { ...ctx.params, ...members.state(ctx) }
    })
    const app = silent()
    app.use(router.routes() as Koa.Middleware)
    await using server = await listening(app)
    expect(await (await fetch(`${server.url}/me/7`)).json()).toEqual({ id: '7', caller: 'ada' })
  })

  test.each(['before', 'after'] as const)('koa-bodyparser %s ours parses', async (place) => {
    const app = silent()
    for (const layer of place === 'before' ? [bodyParser(), toKoa(stamped)] : [toKoa(stamped), bodyParser()]) app.use(layer)
    app.use((ctx) => {
      ctx.body = ctx.request.body as object
    })
    await using server = await listening(app)
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(server.url, { method: 'POST', headers, body: JSON.stringify({ a: 1 }) })
    expect([await reply.json(), reply.headers.get('x-stamp')]).toEqual([{ a: 1 }, 'seen'])
  })

  test('fields that layers want on every reply are on the errors that Koa answers, too', async () => {
    const app = silent()
    app.use(
      toKoa((ctx, next) => amended(ctx, next, ({ headers }) => void headers.set('x-stamp', 'seen').append('vary', 'origin'))),
    )
    app.use((ctx) => {
      if (ctx.path === '/teapot') ctx.throw(418, 'no coffee', { headers: { 'x-own': '1' } })
      throw new Error('broken')
    })
    await using server = await listening(app)
    const refused = await fetch(`${server.url}/teapot`)
    const fields = ['x-stamp', 'vary', 'x-own'].map((name) => refused.headers.get(name))
    expect([refused.status, await refused.text(), ...fields]).toEqual([418, 'no coffee', 'seen', 'origin', '1'])
    const broken = await fetch(server.url)
    expect([broken.status, broken.headers.get('x-stamp')]).toEqual([500, 'seen'])
  })

  test('koa-mount takes ours under a path', async () => {
    const app = silent()
    app.use(
      mount(
        '/api',
        toKoa((ctx) => text(ctx.request.url.path)),
      ),
    )
    await using server = await listening(app)
    expect(await (await fetch(`${server.url}/api/x`)).text()).toBe('/x')
    expect((await fetch(`${server.url}/apix`)).status).toBe(404)
  })
})
