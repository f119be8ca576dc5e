import { type Handler, HeaderList, type Middleware, text } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import type { ErrorRequestHandler } from 'express'
import { describe, expect, test, vi } from 'vitest'
import { expresses } from './expresses.ts'
import { serving } from './serving.ts'

const tellsPath: Handler = (ctx) => text(`${ctx.request.url.path}${ctx.request.url.search}`)
const tellsClient: Handler = (ctx) => text(ctx.request.client.address)
const throws: Handler = () => {
  throw new Error('a secret')
}

describe.each(expresses)('toExpress in %s', (_, express) => {
  test('sees the rest of the path under a mount, or the whole one', async () => {
    const app = express()
    app.use('/a', toExpress(tellsPath))
    app.use('/b', toExpress(tellsPath, { path: 'original' }))
    await using server = await serving(app)
    expect(await (await fetch(`${server.url}/a/7?x=1`)).text()).toBe('/7?x=1')
    expect(await (await fetch(`${server.url}/b/7?x=1`)).text()).toBe('/b/7?x=1')
  })

  test('moves where its own replies send a client, and its cookies, under the mount', async () => {
    const moved: Handler = () => ({
      status: 302,
      headers: new HeaderList([
        ['location', '/home'],
        ['set-cookie', 'a=1; Path=/'],
      ]),
      body: null,
    })
    const app = express()
    app.use('/users', toExpress(moved))
    await using server = await serving(app)
    const { headers } = await fetch(`${server.url}/users/7`, { redirect: 'manual' })
    expect(headers.get('location')).toBe('/users/home')
    expect(headers.get('set-cookie')).toMatch(/Path=\/users\/?(;|$)/i)
  })

  test('believes X-Forwarded-For as far as Express does', async () => {
    const app = express().set('trust proxy', 'loopback')
    app.use('/framework', toExpress(tellsClient, { trustedProxies: 'framework' }))
    app.use('/nobody', toExpress(tellsClient, { trustedProxies: [] }))
    await using server = await serving(app)
    const headers = { 'x-forwarded-for': '203.0.113.9' }
    expect(await (await fetch(`${server.url}/framework`, { headers })).text()).toBe('203.0.113.9')
    expect(await (await fetch(`${server.url}/nobody`, { headers })).text()).toBe('127.0.0.1')
  })

  test('warns once when X-Forwarded-For comes and nobody was said to be trusted', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const app = express().use(toExpress(tellsClient))
    await using server = await serving(app)
    for (let asked = 0; asked < 3; asked++) await fetch(server.url, { headers: { 'x-forwarded-for': '203.0.113.9' } })
    const told = warn.mock.calls.filter(([message]) => String(message).includes('trustedProxies'))
    warn.mockRestore()
    // Once for a process, of which other tests are a part.
    expect(told.length).toBeLessThanOrEqual(1)
  })

  test('answers errors by itself, or hands them to Express', async () => {
    const app = express()
    app.use('/own', toExpress(throws))
    app.use('/passed', toExpress(throws, { passErrors: true }))
    const onError: ErrorRequestHandler = (error, _req, res, _next) => {
      res.status(500).send(`Sorry: ${error.message}`)
    }
    app.use(onError)
    await using server = await serving(app)
    const own = await fetch(`${server.url}/own`)
    expect([own.status, own.headers.get('content-type')]).toEqual([500, 'application/problem+json'])
    expect(await own.text()).not.toContain('a secret')
    expect(await (await fetch(`${server.url}/passed`)).text()).toMatch(/^Sorry: /)
  })

  test('refuses what could be read in two ways where the paths are strict, and only there', async () => {
    const app = express()
    app.use('/strict', toExpress(tellsPath, { strictPaths: true }))
    app.use('/lenient', toExpress(tellsPath))
    await using server = await serving(app)
    expect((await fetch(`${server.url}/strict//x`)).status).toBe(400)
    expect((await fetch(`${server.url}/lenient//x`)).status).toBe(200)
    expect((await fetch(`${server.url}/lenient/%zz`)).status).toBe(400)
  })

  test('lets several layers on one request know the same, and tells handlers what they learned', async () => {
    const first: Middleware<{}, { who: string }> = (ctx, next) => next(ctx.with({ who: 'ada' }))
    const second: Middleware<{}, { role: string }> = (ctx, next) => next(ctx.with({ role: 'admin' }))
    const [one, two] = [toExpress(first), toExpress(second)]
    const app = express()
    app.get('/', one, two, (req, res) => {
      res.json({ ...one.state(req), ...two.state(req) })
    })
    await using server = await serving(app)
    expect(await (await fetch(server.url)).json()).toEqual({ who: 'ada', role: 'admin' })
  })

  test('asks Express once: a layer that asks again gets an error of its own', async () => {
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
    const app = express()
    app.get('/', toExpress(twice), (_req, res) => {
      res.send('once')
    })
    await using server = await serving(app)
    expect(await (await fetch(server.url)).text()).toBe('once')
    expect(error).toMatchObject({ code: 'NEXT_TWICE' })
  })
})
