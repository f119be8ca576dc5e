import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type NodeFunction, nodeFunction } from '@gatelet/functions'
import { serve } from '@gatelet/node'
import { rawRequest } from '@gatelet/testing'
import express from 'express'
import fastify from 'fastify'
import Koa from 'koa'
import morgan from 'morgan'
import serveStatic from 'serve-static'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'

const big = Buffer.alloc(4_000_000, '0123456789')
let folder = ''
let file = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatelet-functions-'))
  file = join(folder, 'big.txt')
  await writeFile(file, big)
})
afterAll(() => rm(folder, { recursive: true }))

async function served(fn: NodeFunction): Promise<string> {
  const server = await serve(nodeFunction(fn), { port: 0, host: '127.0.0.1' })
  onTestFinished(async () => void (await server.close({ graceMs: 0 })))
  return server.url
}

async function koa(): Promise<NodeFunction> {
  const app = new Koa({ proxy: false })
  app.use(async (ctx) => {
    if (ctx.path === '/json') ctx.body = { method: ctx.method, ip: ctx.ip, secure: ctx.secure, host: ctx.host }
    else if (ctx.path === '/file') ctx.body = createReadStream(file)
    else if (ctx.path === '/echo') ctx.body = ctx.req
    else if (ctx.path === '/empty') ctx.status = 204
    else if (ctx.path === '/error') ctx.throw(418, 'teapot')
  })
  app.silent = true
  return app.callback()
}

async function fastifyApp(): Promise<NodeFunction> {
  const app = fastify()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.get('/json', async ({ method, ip, protocol, host }) => ({ method, ip, secure: protocol === 'https', host }))
  app.get('/file', (_request, reply) => reply.type('text/plain').send(createReadStream(file)))
  app.post('/echo', (request, reply) => reply.send(request.body))
  app.get('/empty', (_request, reply) => reply.code(204).send())
  app.get('/error', async () => {
    throw Object.assign(new Error('teapot'), { statusCode: 418 })
  })
  await app.ready()
  onTestFinished(async () => void (await app.close()))
  return (req, res) => app.routing(req, res)
}

async function expressApp(): Promise<NodeFunction> {
  const app = express()
  app.get('/json', (req, res) => {
    res.json({ method: req.method, ip: req.ip, secure: req.secure, host: req.get('host') })
  })
  app.get('/file', (_req, res) => res.sendFile(file))
  app.post('/echo', (req, res) => void req.pipe(res))
  app.get('/empty', (_req, res) => void res.status(204).end())
  app.get('/error', (_req, res) => void res.status(418).send('teapot'))
  return app
}

describe.each([
  ['Koa', koa],
  ['Fastify', fastifyApp],
  ['Express', expressApp],
])('an application of %s', (_, make) => {
  test('answers, and sees who asks', async () => {
    const url = await served(await make())
    const response = await fetch(`${url}/json`)
    expect([response.status, await response.json()]).toEqual([
      200,
      { method: 'GET', ip: '127.0.0.1', secure: false, host: new URL(url).host },
    ])
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  })

  test('streams a file', async () => {
    const response = await fetch(`${await served(await make())}/file`)
    expect(big.equals(Buffer.from(await response.arrayBuffer()))).toBe(true)
  })

  test('answers HEAD with the head of GET, and no body', async () => {
    const url = new URL(await served(await make()))
    const head = 'HEAD /json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    const { text: told } = await rawRequest(Number(url.port), head)
    expect(told).toMatch(/^HTTP\/1\.1 200 /)
    expect(told).toMatch(/content-length: [1-9]/i)
    expect(told.split('\r\n\r\n')[1]).toBe('')
  })

  test('reads an upload as it comes', async () => {
    const response = await fetch(`${await served(await make())}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-thing' },
      body: Readable.toWeb(Readable.from([big.subarray(0, 1_000_000), big.subarray(1_000_000)])) as ReadableStream<Uint8Array>,
      duplex: 'half',
    } as RequestInit)
    expect(big.equals(Buffer.from(await response.arrayBuffer()))).toBe(true)
  })

  test('has its own statuses, empty and failed', async () => {
    const url = await served(await make())
    expect((await fetch(`${url}/empty`)).status).toBe(204)
    const failed = await fetch(`${url}/error`)
    expect([failed.status, await failed.text()]).toEqual([418, expect.stringContaining('teapot')])
    expect((await fetch(`${url}/nowhere`)).status).toBe(404)
  })
})

describe('files of serve-static', () => {
  const files = (): NodeFunction => {
    const give = serveStatic(folder)
    return (req, res) => give(req, res, () => res.writeHead(404).end())
  }

  test('come in parts, and not at all where the client has them', async () => {
    const url = `${await served(files())}/big.txt`
    const part = await fetch(url, { headers: { range: 'bytes=5-14' } })
    expect([part.status, part.headers.get('content-range'), part.headers.get('content-length'), await part.text()]).toEqual([
      206,
      'bytes 5-14/4000000',
      '10',
      '5678901234',
    ])
    const etag = part.headers.get('etag') ?? ''
    const head = `GET /big.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: ${etag}\r\nConnection: close\r\n\r\n`
    const again = await rawRequest(Number(new URL(url).port), head)
    expect(again.text).toMatch(/^HTTP\/1\.1 304 [\s\S]*\r\n\r\n$/)
    expect((await fetch(`${url}x`)).status).toBe(404)
  })

  test('are read at the pace of the client, and closed when it leaves', async () => {
    let closed = false
    let read = 0
    const url = await served((_req, res) => {
      const chunk = Buffer.alloc(65_536)
      const source = new Readable({
        read() {
          read++
          this.push(chunk)
        },
        destroy(_error, done) {
          closed = true
          done(null)
        },
      })
      res.on('close', () => source.destroy())
      source.pipe(res)
    })
    const control = new AbortController()
    const response = await fetch(url, { signal: control.signal })
    await response.body?.getReader().read()
    let before = -1
    await vi.waitUntil(() => {
      const isStill = read === before
      before = read
      return isStill
    })
    expect(read).toBeLessThan(1_000)
    control.abort()
    await vi.waitUntil(() => closed)
  })
})

test('morgan tells of answers that are over, and of those that broke off', async () => {
  const lines: string[] = []
  const log = morgan(':method :url :status :res[content-type] :remote-addr', {
    stream: { write: (line) => void lines.push(line) },
  })
  let begun = false
  const url = await served((req, res) =>
    log(req, res, () => {
      if (req.url === '/slow') begun = true
      else res.writeHead(201, { 'content-type': 'text/plain' }).end('x')
    }),
  )
  await (await fetch(`${url}/a`)).text()
  await vi.waitUntil(() => lines.length === 1)
  const control = new AbortController()
  const slow = fetch(`${url}/slow`, { signal: control.signal }).catch(() => undefined)
  await vi.waitUntil(() => begun)
  control.abort()
  await slow
  await vi.waitUntil(() => lines.length === 2)
  expect(lines).toEqual(['GET /a 201 text/plain 127.0.0.1\n', 'GET /slow - - 127.0.0.1\n'])
})

test('interim answers reach the client', async () => {
  const url = new URL(
    await served((_req, res) => {
      res.writeContinue(() => {})
      res.writeProcessing()
      res.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => res.end('x'))
    }),
  )
  const { text } = await rawRequest(Number(url.port), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  expect(text).toMatch(
    /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nlink: <\/style\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 /i,
  )
})

test('an upload that its client breaks off is told of by the request, and ends nothing else', async () => {
  const told: string[] = []
  const url = await served(async (req, res) => {
    req.on('aborted', () => told.push('aborted'))
    req.on('close', () => told.push('close'))
    req.resume()
    await once(req, 'close')
    res.end('late')
  })
  const control = new AbortController()
  const body = Readable.toWeb(
    Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000)
        await new Promise(() => {})
      })(),
    ),
  ) as ReadableStream<Uint8Array>
  const asked = fetch(url, { method: 'POST', body, duplex: 'half', signal: control.signal } as RequestInit).catch(() => undefined)
  setTimeout(() => control.abort(), 50)
  await asked
  await vi.waitUntil(() => told.includes('close'))
  expect(told).toEqual(['aborted', 'close'])
  expect((await fetch(await served((_req, res) => res.end('still here')))).status).toBe(200)
})

describe('a response that is destroyed', () => {
  test('before its head is a failure of the gateway’s, and not silence', async () => {
    const url = await served((_req, res) => void res.destroy(new Error('secret')))
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('secret')])
    expect((await fetch(await served((_req, res) => void res.destroy()))).status).toBe(500)
  })

  test('by a stream that fails breaks the answer off', async () => {
    const url = await served((_req, res) => {
      const source = new Readable({ read() {} })
      source.push('part')
      pipeline(source, res).catch(() => {})
      setImmediate(() => source.destroy(new Error('disk')))
    })
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow()
  })

  test('after its end is none', async () => {
    const url = await served((_req, res) => void res.end('x', () => res.destroy()))
    expect(await (await fetch(url)).text()).toBe('x')
  })
})

test('what a framework asks of the connection does no harm', async () => {
  const url = await served((req, res) => {
    req.setTimeout(1_000)
    res.setTimeout(1_000)
    req.socket.setKeepAlive(true)
    req.socket.setNoDelay(true)
    res.cork()
    res.write('a')
    res.uncork()
    res.addTrailers({ 'x-late': '1' })
    res.end('b')
  })
  expect(await (await fetch(url)).text()).toBe('ab')
})
