import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cache, memoryCacheStore } from '@gatelet/cache'
import { toExpress } from '@gatelet/express'
import { virtualClock } from '@gatelet/testing'
import type { Application } from 'express'
import { describe, expect, test } from 'vitest'
import { expresses } from './expresses.ts'

async function listening(app: Application) {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async get(path: string, headers: Record<string, string> = {}, method = 'GET') {
      const response = await fetch(url + path, { headers, method })
      const said = response.headers.get('cache-status')?.replace('gatelet; ', '')
      return { status: response.status, body: await response.text(), said, headers: response.headers }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.each(expresses)('a cache in front of %s', (_, express) => {
  const scene = () => {
    const clock = virtualClock({ date: Date.now() })
    const app = express().set('env', 'test')
    const layer = cache({ clock, store: memoryCacheStore({ maxBytes: 1_000_000, clock }) })
    app.use(toExpress(layer))
    let asked = 0
    app.get('/count', (_req, res) => void res.set('cache-control', 'max-age=60').json({ n: ++asked }))
    app.post('/count', (_req, res) => void res.json({ ok: true }))
    app.get('/same', (_req, res) => {
      asked++
      res.set('cache-control', 'max-age=60, stale-while-revalidate=60').send('the same each time')
    })
    app.get('/fails', () => {
      throw Object.assign(new Error('no'), { status: 418 })
    })
    return { clock, app, layer, asked: () => asked }
  }

  test('answers from what a route has answered, until a write', async () => {
    const { app, asked } = scene()
    await using server = await listening(app)
    expect(await server.get('/count')).toMatchObject({ body: '{"n":1}', said: 'fwd=uri-miss; fwd-status=200; stored' })
    expect(await server.get('/count')).toMatchObject({ body: '{"n":1}', said: expect.stringMatching(/^hit; ttl=\d+$/) })
    expect(await server.get('/count', {}, 'HEAD')).toMatchObject({ body: '', said: expect.stringMatching(/^hit/) })
    expect(asked()).toBe(1)
    expect(await server.get('/count', {}, 'POST')).toMatchObject({ said: 'fwd=method; fwd-status=200' })
    expect((await server.get('/count')).body).toBe('{"n":2}')
  })

  test('asks the route about what is stale in front of the reply, since it cannot be asked later', async () => {
    const { app, asked, clock } = scene()
    await using server = await listening(app)
    await server.get('/same')
    await clock.advance(61_000)
    expect(await server.get('/same')).toMatchObject({ body: 'the same each time', said: 'fwd=stale; fwd-status=304' })
    expect(await server.get('/same')).toMatchObject({ said: expect.stringMatching(/^hit; ttl=\d+$/) })
    expect(asked()).toBe(2)
  })

  test('gives the others what is stale while one of them asks', async () => {
    const { app, clock } = scene()
    let finish: (() => void) | undefined
    let asked = 0
    app.get('/slow', (_req, res) => {
      const send = () => void res.set('cache-control', 'max-age=60, stale-while-revalidate=60').send(`body ${++asked}`)
      if (asked === 0) send()
      else finish = send
    })
    await using server = await listening(app)
    await server.get('/slow')
    await clock.advance(61_000)
    const first = server.get('/slow')
    await expect.poll(() => finish).toBeDefined()
    expect(await server.get('/slow')).toMatchObject({ body: 'body 1', said: expect.stringMatching(/^hit; ttl=-\d+$/) })
    finish?.()
    expect((await first).body).toBe('body 2')
    expect((await server.get('/slow')).body).toBe('body 2')
  })

  test('asks a route once for all who ask at the same time', async () => {
    const { app, layer } = scene()
    let release = () => {}
    let asked = 0
    app.get('/slow', (_req, res) => {
      asked++
      release = () => void res.set('cache-control', 'max-age=60').send('slow')
    })
    await using server = await listening(app)
    const answers = Array.from({ length: 20 }, () => server.get('/slow'))
    await expect.poll(() => asked).toBe(1)
    release()
    expect(new Set((await Promise.all(answers)).map(({ body }) => body))).toEqual(new Set(['slow']))
    expect(asked).toBe(1)
    expect(layer.stats().misses + layer.stats().hits).toBe(20)
  })

  test('gives parts of what is stored', async () => {
    const { app } = scene()
    await using server = await listening(app)
    await server.get('/same')
    expect(await server.get('/same', { range: 'bytes=0-2' })).toMatchObject({ status: 206, body: 'the' })
  })

  test('leaves errors to the framework, and says what it did', async () => {
    const { app } = scene()
    await using server = await listening(app)
    expect(await server.get('/fails')).toMatchObject({ status: 418, said: 'fwd=uri-miss; fwd-status=418; detail=status' })
    expect((await server.get('/none')).status).toBe(404)
  })

  test('is not led to another path than the route sees', async () => {
    const { app } = scene()
    await using server = await listening(app)
    expect((await server.get('//count')).status).toBe(400)
    expect((await server.get('/%2Fcount')).status).toBe(400)
  })
})
