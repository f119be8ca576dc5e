import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type Handler, type Middleware, switchProtocols, text } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import { attach } from '@gatelet/node'
import { rawRequest } from '@gatelet/testing'
import compression from 'compression'
import cors from 'cors'
import type { Application } from 'express'
import session from 'express-session'
import helmet from 'helmet'
import morgan from 'morgan'
import multer from 'multer'
import serveStatic from 'serve-static'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { describe, expect, test } from 'vitest'
import { expresses } from './expresses.ts'

/** What a layer of ours does to show that it was there. */
const stamped: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  reply.headers.set('x-stamp', 'seen')
  return reply
}

async function listening(server: HttpServer): Promise<AsyncDisposable & { url: string; port: number }> {
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

async function asked(app: Application, path = '/', init: RequestInit = {}): Promise<Response> {
  await using server = await listening(createServer(app))
  const response = await fetch(`${server.url}${path}`, init)
  return new Response(response.body === null ? null : await response.arrayBuffer(), response)
}

describe.each(expresses)('%s, with middleware that people use', (_, express) => {
  const silent = () => express().set('env', 'test')
  const places = ['before', 'after'] as const

  test.each(places)('compression %s ours compresses, and our layer is seen', async (place) => {
    const app = silent()
    const ours = toExpress(stamped)
    const theirs = compression({ threshold: 0 })
    app.use(...(place === 'before' ? [theirs, ours] : [ours, theirs]))
    app.get('/', (_req, res) => void res.type('text/plain').send('hello '.repeat(1_000)))
    await using server = await listening(createServer(app))
    const request = 'GET / HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n'
    const { responses } = await rawRequest(server.port, request)
    const [response] = responses
    expect(response?.headers.get('content-encoding')).toBe('gzip')
    expect(response?.headers.get('x-stamp')).toBe('seen')
    expect(gunzipSync(response?.body ?? Buffer.alloc(0)).toString()).toBe('hello '.repeat(1_000))
  })

  test.each(places)('helmet %s ours sets its headers', async (place) => {
    const app = silent()
    app.use(...(place === 'before' ? [helmet(), toExpress(stamped)] : [toExpress(stamped), helmet()]))
    app.get('/', (_req, res) => void res.json({ ok: true }))
    const reply = await asked(app)
    expect(reply.headers.get('x-content-type-options')).toBe('nosniff')
    expect(reply.headers.get('x-stamp')).toBe('seen')
    expect(await reply.json()).toEqual({ ok: true })
  })

  test.each(places)('cors %s ours answers a preflight', async (place) => {
    const app = silent()
    const theirs = cors({ origin: 'https://a.example' })
    app.use(...(place === 'before' ? [theirs, toExpress(stamped)] : [toExpress(stamped), theirs]))
    app.get('/', (_req, res) => void res.json({ ok: true }))
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'GET' }
    const preflight = await asked(app, '/', { method: 'OPTIONS', headers })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, 'https://a.example'])
    expect(preflight.headers.get('x-stamp')).toBe(place === 'after' ? 'seen' : null)
    expect((await asked(app)).headers.get('x-stamp')).toBe('seen')
  })

  test.each(places)('morgan %s ours logs the status that the client got', async (place) => {
    const lines: string[] = []
    const app = silent()
    const theirs = morgan(':method :url :status', { stream: { write: (line) => void lines.push(line.trim()) } })
    const ours = toExpress(async (ctx, next) => {
      const reply = await next(ctx)
      reply.status = 203
      return reply
    })
    app.use(...(place === 'before' ? [theirs, ours] : [ours, theirs]))
    app.get('/', (_req, res) => void res.json({ ok: true }))
    expect((await asked(app)).status).toBe(203)
    expect(lines).toEqual(['GET / 203'])
  })

  test.each(places)('express-session %s ours keeps the session', async (place) => {
    const app = silent()
    const theirs = session({ secret: 'of the test', resave: false, saveUninitialized: true })
    app.use(...(place === 'before' ? [theirs, toExpress(stamped)] : [toExpress(stamped), theirs]))
    app.get('/', (req, res) => {
      const kept = req.session as typeof req.session & { visits?: number }
      kept.visits = (kept.visits ?? 0) + 1
      res.json({ visits: kept.visits })
    })
    await using server = await listening(createServer(app))
    const first = await fetch(server.url)
    expect(await first.json()).toEqual({ visits: 1 })
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
    const second = await fetch(server.url, { headers: { cookie } })
    expect([await second.json(), second.headers.get('x-stamp')]).toEqual([{ visits: 2 }, 'seen'])
  })

  test.each(places)('multer %s ours reads an upload', async (place) => {
    const app = silent()
    const [ours, theirs] = [toExpress(stamped), multer().single('file')]
    app.post('/', ...(place === 'before' ? [theirs, ours] : [ours, theirs]), (req, res) => {
      res.json({ size: req.file?.size, name: req.body.name })
    })
    const form = new FormData()
    form.set('name', 'ada')
    form.set('file', new Blob(['x'.repeat(100_000)]), 'a.txt')
    const reply = await asked(app, '/', { method: 'POST', body: form })
    expect(await reply.json()).toEqual({ size: 100_000, name: 'ada' })
    expect(reply.headers.get('x-stamp')).toBe('seen')
  })

  test('serve-static before ours serves files, and leaves the rest to ours', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatelet-static-'))
    writeFileSync(join(folder, 'a.txt'), '0123456789')
    const app = silent().use(serveStatic(folder), toExpress(stamped))
    app.get('/b', (_req, res) => void res.send('b'))
    expect(await (await asked(app, '/a.txt')).text()).toBe('0123456789')
    const rest = await asked(app, '/b')
    expect([await rest.text(), rest.headers.get('x-stamp')]).toEqual(['b', 'seen'])
  })

  test('serve-static behind ours serves files and ranges', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatelet-static-'))
    writeFileSync(join(folder, 'a.txt'), '0123456789')
    const app = silent()
    app.use(toExpress(stamped), serveStatic(folder))
    const part = await asked(app, '/a.txt', { headers: { range: 'bytes=2-4' } })
    expect([part.status, await part.text(), part.headers.get('x-stamp')]).toEqual([206, '234', 'seen'])
    const head = await asked(app, '/a.txt', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10'])
  })

  test('socket.io on the same server keeps its upgrades, and ours are ours, whoever came first', async () => {
    for (const isFirst of [true, false]) {
      const http = createServer(silent().use(toExpress(stamped)))
      const detach = isFirst ? attach(http, socketLayer, { mount: '/ours' }) : undefined
      const sockets = new Server(http)
      sockets.on('connection', (socket) => socket.on('ping-me', (answer: (word: string) => void) => answer('pong')))
      if (!detach) attach(http, socketLayer, { mount: '/ours' })
      const server = await listening(http)
      const client = io(server.url, { transports: ['websocket'], reconnection: false })
      try {
        expect(await client.timeout(5_000).emitWithAck('ping-me')).toBe('pong')
        expect((await handshake(server.port, '/ours/x'))[0]).toMatchObject({ status: 101 })
        const polled = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`)
        expect(await polled.text()).toMatch(/^0\{"sid":/)
      } finally {
        client.close()
        await sockets.close()
        await server[Symbol.asyncDispose]()
      }
    }
  })
})

/** A handshake that ends with its 101. */
const socketLayer: Handler = (ctx) => ({
  ...text('only WebSockets here', 426),
  ...(ctx.request.kind === 'upgrade' && {
    status: 101,
    body: null,
    upgrade(socket, _head, headers) {
      switchProtocols(socket, headers)
      socket.end()
    },
  }),
})

const handshake = async (port: number, path: string) => {
  const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const fields = `Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}`
  return (await rawRequest(port, `GET ${path} HTTP/1.1\r\n${fields}\r\n`, { responses: 1 })).responses
}
