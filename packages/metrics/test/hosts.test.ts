import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { chain, type Middleware, text } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import { toFetch } from '@gatelet/fetch'
import { toKoa } from '@gatelet/koa'
import { type AccessRecord, accessLog, trace } from '@gatelet/metrics'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { origins, rawClient } from '@gatelet/testing'
import * as api from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import express from 'express'
import Koa from 'koa'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

const exporter = new InMemorySpanExporter()
const manager = new AsyncLocalStorageContextManager()

beforeAll(() => {
  api.context.setGlobalContextManager(manager.enable())
  api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
})
beforeEach(() => exporter.reset())
afterAll(() => {
  api.trace.disable()
  api.context.disable()
})

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function logged(): AccessRecord[] {
  const records: AccessRecord[] = []
  const keep = (record: object) => void records.push(record as AccessRecord)
  const log = accessLog({ logger: { info: keep, warn: keep, error: keep }, sample: ({ path }) => path !== '/quiet' })
  onTestFinished(() => log.close())
  return records
}

const inner = () => api.trace.getTracer('mine').startSpan('inner').end()

type Host = (layer: Middleware) => Promise<(path: string) => Promise<Response>>

const hosts: [string, Host][] = [
  [
    'Express',
    async (layer) => {
      const app = express().use(toExpress(layer))
      app.get('/a', async (_req, res) => {
        await new Promise(setImmediate)
        inner()
        res.send('hello')
      })
      const url = await listening(app)
      return (path) => fetch(url + path)
    },
  ],
  [
    'Koa',
    async (layer) => {
      const app = new Koa().use(toKoa(layer)).use(async (ctx) => {
        await new Promise(setImmediate)
        inner()
        if (ctx.path === '/a') ctx.body = 'hello'
      })
      const url = await listening(app.callback())
      return (path) => fetch(url + path)
    },
  ],
  [
    'a server of ours',
    async (layer) => {
      const server = await serve(
        chain()
          .use(layer)
          .to(async ({ request }) => {
            await new Promise(setImmediate)
            inner()
            return request.url.path === '/a' ? text('hello') : text('no', 404)
          }),
        { port: 0, host: '127.0.0.1' },
      )
      onTestFinished(async () => void (await server.close({ graceMs: 0 })))
      return (path) => fetch(server.url + path)
    },
  ],
  [
    'a fetch host',
    async (layer) => {
      const handle = toFetch(
        chain()
          .use(layer)
          .to(async ({ request }) => {
            await new Promise(setImmediate)
            inner()
            return request.url.path === '/a' ? text('hello') : text('no', 404)
          }),
        { client: () => '127.0.0.1' } as never,
      )
      return async (path) => handle(new Request(`http://a.test${path}`))
    },
  ],
]

describe.each(hosts)('behind %s', (name, make) => {
  test('spans of handlers belong to the request, and the log has it with its trace', async () => {
    const records = logged()
    const ask = await make(trace({ api }) as unknown as Middleware)
    const answer = await ask('/a')
    expect([answer.status, await answer.text()]).toEqual([200, 'hello'])
    await vi.waitUntil(() => records.length === 1 && exporter.getFinishedSpans().length === 2)
    const spans = exporter.getFinishedSpans()
    const server = spans.find(({ kind }) => kind === api.SpanKind.SERVER)
    expect(spans.find((span) => span.name === 'inner')?.parentSpanContext?.spanId).toBe(server?.spanContext().spanId)
    expect(server?.attributes['http.response.status_code']).toBe(200)
    expect(records[0]).toMatchObject({ method: 'GET', path: '/a', status: 200, outcome: 'finished', sentBytes: 5 })
    if (name !== 'a fetch host') expect(records[0]?.client).toBe('127.0.0.1')
    const missing = await ask('/b')
    await missing.text()
    await vi.waitUntil(() => records.length === 2)
    expect(records[1]).toMatchObject({ path: '/b', status: 404 })
  })
})

test('over HTTP/2 a request is traced and told of as such', async () => {
  const records = logged()
  const handler = chain()
    .use(trace({ api }))
    .to(() => text('hello'))
  await using server = await serve(handler, { port: 0, host: '127.0.0.1', http2: true })
  const client = connectHttp2(server.url)
  const stream = client.request({ ':path': '/a?b' })
  for await (const _ of stream) {
    // To its end.
  }
  client.destroy()
  await vi.waitUntil(() => records.length === 1)
  expect(records[0]).toMatchObject({ protocol: 'HTTP/2', path: '/a', status: 200, sentBytes: 5 })
  expect(exporter.getFinishedSpans()[0]?.attributes).toMatchObject({ 'network.protocol.version': '2', 'url.path': '/a' })
})

test('a WebSocket is one request: its trace goes on at the server, and it is told of when it closes', async () => {
  const records = logged()
  const seen: unknown[] = []
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  sockets.on('connection', (socket, { headers }) => {
    seen.push(headers['traceparent'])
    socket.on('message', (data) => socket.send(data))
  })
  await once(sockets, 'listening')
  const forward = proxy(`http://127.0.0.1:${(sockets.address() as AddressInfo).port}`)
  await using server = await serve(chain().use(trace({ api })).to(forward), { port: 0, host: '127.0.0.1' })
  const client = new WebSocket(server.url.replace('http', 'ws'))
  await once(client, 'open')
  client.send('x'.repeat(1_000))
  await once(client, 'message')
  expect(records).toEqual([])
  client.close()
  await once(client, 'close')
  await vi.waitUntil(() => records.length === 1)
  sockets.close()
  await forward.close()
  expect(records[0]).toMatchObject({ status: 101, outcome: 'finished' })
  const spans = exporter.getFinishedSpans()
  const called = spans.find(({ kind }) => kind === api.SpanKind.CLIENT)
  expect(seen).toEqual([`00-${called?.spanContext().traceId}-${called?.spanContext().spanId}-01`])
  expect(spans.find(({ kind }) => kind === api.SpanKind.SERVER)?.attributes['http.response.status_code']).toBe(101)
  // The frames: 1,000 bytes with a head of 4, and a close with a head of 2; a client's have 4 more each.
  expect([records[0]?.receivedBytes, records[0]?.sentBytes]).toEqual([1_014, 1_006])
})

test('pino takes the records, a line each, whatever is in them', async () => {
  const told: string[] = []
  const log = accessLog({ logger: pino({}, { write: (line: string) => void told.push(line) }), headers: ['x-note', 'cookie'] })
  onTestFinished(() => log.close())
  await using server = await serve(({ request }) => text('no', request.url.path === '/bad' ? 500 : 200), {
    port: 0,
    host: '127.0.0.1',
  })
  const client = await rawClient(server.port)
  const fields = 'Host: a\r\nUser-Agent: "\\\x9b31m\xe2\x80\xa8\r\nX-Note: {"level":60}\r\nCookie: a=secret\r\n'
  client.write(Buffer.from(`GET /a HTTP/1.1\r\n${fields}\r\nGET /bad HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`, 'latin1'))
  await vi.waitUntil(() => told.length === 2)
  await client[Symbol.asyncDispose]()
  const [good, bad] = told.map((line) => JSON.parse(line))
  for (const line of told) expect(line.match(/[\r\n]/g)).toEqual(['\n'])
  expect(good).toMatchObject({
    level: 30,
    msg: 'GET /a 200',
    status: 200,
    headers: { 'x-note': '{"level":60}', cookie: '[redacted]' },
  })
  expect(bad).toMatchObject({ level: 50, msg: 'GET /bad 500', status: 500 })
})

test('where no SDK is there, what is passed on is a trace all the same', async () => {
  api.trace.disable()
  onTestFinished(() => {
    api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  })
  const parents: unknown[] = []
  await using farm = await origins(1, {
    handler: (req, res) => {
      parents.push(req.headers['traceparent'])
      res.end()
    },
  })
  const forward = proxy(farm.urls[0] as string)
  await using server = await serve(chain().use(trace({ api })).to(forward), { port: 0, host: '127.0.0.1' })
  await (await fetch(server.url)).text()
  await forward.close()
  expect(parents[0]).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/)
})
