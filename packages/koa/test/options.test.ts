import { createServer, type RequestListener } from 'node:http'
import { type Handler, type Middleware, text } from '@gatelet/core'
import { toKoa } from '@gatelet/koa'
import { startedServer } from '@gatelet/testing'
import mount from 'koa-mount'
import { describe, expect, test } from 'vitest'
import { koas } from './koas.ts'

/** Serves an application for one test. */
async function serving(app: { callback(): RequestListener }): Promise<AsyncDisposable & { readonly url: string }> {
  const { port, close } = await startedServer(createServer(app.callback()))
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close }
}

const tellsPath: Handler = (ctx) => text(`${ctx.request.url.path}${ctx.request.url.search}`)
const tellsClient: Handler = (ctx) => text(ctx.request.client.address)
const throws: Handler = () => {
  throw new Error('a secret')
}

describe.each(koas)('toKoa in %s', (_, Koa) => {
  test('sees the rest of the path under a mount, or the whole one', async () => {
    const app = new Koa()
    app.use(mount('/a', toKoa(tellsPath)))
    app.use(mount('/b', toKoa(tellsPath, { path: 'original' })))
    await using server = await serving(app)
    expect(await (await fetch(`${server.url}/a/7?x=1`)).text()).toBe('/7?x=1')
    expect(await (await fetch(`${server.url}/b/7?x=1`)).text()).toBe('/b/7?x=1')
  })

  test('believes X-Forwarded-For as far as Koa does', async () => {
    const app = new Koa({ proxy: true })
    app.use(mount('/framework', toKoa(tellsClient, { trustedProxies: 'framework' })))
    app.use(mount('/nobody', toKoa(tellsClient, { trustedProxies: [] })))
    await using server = await serving(app)
    const headers = { 'x-forwarded-for': '203.0.113.9' }
    expect(await (await fetch(`${server.url}/framework`, { headers })).text()).toBe('203.0.113.9')
    expect(await (await fetch(`${server.url}/nobody`, { headers })).text()).toMatch(/127\.0\.0\.1$/)
  })

  test('answers errors by itself, or throws them on to Koa', async () => {
    const app = new Koa()
    app.use(async (ctx, next) => {
      try {
        await next()
      } catch (error) {
        ctx.status = 500
        ctx.body = `Sorry: ${(error as Error).message}`
      }
    })
    app.use(mount('/own', toKoa(throws)))
    app.use(mount('/passed', toKoa(throws, { passErrors: true })))
    await using server = await serving(app)
    const own = await fetch(`${server.url}/own`)
    expect([own.status, own.headers.get('content-type')]).toEqual([500, 'application/problem+json'])
    expect(await own.text()).not.toContain('a secret')
    expect(await (await fetch(`${server.url}/passed`)).text()).toMatch(/^Sorry: /)
  })

  test('refuses what could be read in two ways where the paths are strict, and only there', async () => {
    const app = new Koa()
    app.use(mount('/strict', toKoa(tellsPath, { strictPaths: true })))
    app.use(mount('/lenient', toKoa(tellsPath)))
    await using server = await serving(app)
    expect((await fetch(`${server.url}/strict//x`)).status).toBe(400)
    expect((await fetch(`${server.url}/lenient//x`)).status).toBe(200)
    expect((await fetch(`${server.url}/lenient/%zz`)).status).toBe(400)
  })

  test('lets several layers on one request know the same, and tells middleware what they learned', async () => {
    const first: Middleware<{}, { who: string }> = (ctx, next) => next(ctx.with({ who: 'ada' }))
    const second: Middleware<{}, { role: string }> = (ctx, next) => next(ctx.with({ role: 'admin' }))
    const [one, two] = [toKoa(first), toKoa(second)]
    const app = new Koa()
    app.use(one).use(two)
    app.use((ctx) => {
      ctx.body = { ...one.state(ctx), ...two.state(ctx) }
    })
    await using server = await serving(app)
    expect(await (await fetch(server.url)).json()).toEqual({ who: 'ada', role: 'admin' })
  })

  test('asks Koa once: a layer that asks again gets an error of its own', async () => {
    let error: unknown
    const twice: Middleware = async (ctx, next) => {
      const reply = await next(ctx)
      try {
        await next(ctx)
      } catch (thrown) {
        error = thrown
      }
      return reply
    }
    const app = new Koa()
    app.use(toKoa(twice))
    app.use((ctx) => {
      ctx.body = 'once'
    })
    await using server = await serving(app)
    expect(await (await fetch(server.url)).text()).toBe('once')
    expect(error).toMatchObject({ code: 'NEXT_TWICE' })
  })
})
