import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { nodeFunction } from '@gatelet/functions'
import { serve } from '@gatelet/node'
import { call, exchange } from '@gatelet/testing'
import compression from 'compression'
import express from 'express'
import express4 from 'express4'
import { describe, expect, test, vi } from 'vitest'

const told = async (fn: (req: IncomingMessage, res: ServerResponse) => unknown, request: Parameters<typeof call>[1] = '/') => {
  const answer = await call(nodeFunction(fn), request)
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

describe('the request', () => {
  test('is what layers have made of it', async () => {
    let seen: IncomingMessage | undefined
    await told(
      (req, res) => {
        seen = req
        res.end()
      },
      {
        method: 'PUT',
        url: 'https://a.test:8443/x?y=1',
        headers: [
          ['X-A', '1'],
          ['x-a', '2'],
          ['Cookie', 'a=1'],
          ['cookie', 'b=2'],
          ['Content-Type', 'text/plain'],
          ['content-type', 'lost'],
          ['Connection', 'close'],
        ],
        client: { address: '192.0.2.1' },
      },
    )
    expect([seen?.method, seen?.url, seen?.httpVersion]).toEqual(['PUT', '/x?y=1', '1.1'])
    expect(seen?.headers).toMatchObject({ 'x-a': '1, 2', cookie: 'a=1; b=2', 'content-type': 'text/plain', host: 'a.test:8443' })
    expect(seen?.headers.connection).toBeUndefined()
    expect(seen?.rawHeaders).toEqual(expect.arrayContaining(['X-A', '1', 'x-a', '2']))
    expect(seen?.socket).toMatchObject({ remoteAddress: '192.0.2.1', encrypted: true })
  })

  test('has its body, with the pace of who reads it', async () => {
    const sent = Buffer.alloc(3_000_000, 'abc')
    const chunks = Array.from({ length: 30 }, (_, at) => sent.subarray(at * 100_000, (at + 1) * 100_000))
    const { text } = await told(
      async (req, res) => {
        let size = 0
        for await (const chunk of req) {
          size += chunk.length
          await new Promise(setImmediate)
        }
        res.end(`${size} ${req.complete}`)
      },
      { method: 'POST', url: '/', body: Readable.from(chunks, { objectMode: false }) },
    )
    expect(text).toBe('3000000 true')
  })

  test('that breaks off fails for who reads it, and for nobody else', async () => {
    const body = new Readable({ read() {} })
    body.push('a')
    const answered = told(
      async (req, res) => {
        try {
          for await (const _ of req) body.destroy(new Error('gone'))
        } catch (error) {
          res.statusCode = 400
          res.end((error as Error).message)
        }
      },
      { method: 'POST', url: '/', body },
    )
    expect(await answered).toMatchObject({ status: 400, text: 'gone' })
  })
})

describe('the response', () => {
  test('is whole where it is ended at once', async () => {
    const answer = await told((_req, res) => {
      res.statusCode = 201
      res.setHeader('X-A', ['1', '2'])
      res.appendHeader('set-cookie', 'a=1')
      res.appendHeader('set-cookie', 'b=2')
      res.setHeader('content-length', 999)
      res.setHeader('connection', 'close')
      res.end('grün')
    })
    expect([answer.status, answer.text, answer.headers.get('x-a')]).toEqual([201, 'grün', '1, 2'])
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(answer.headers.has('connection')).toBe(false)
  })

  test.each<[string, (res: ServerResponse) => unknown]>([
    ['an object', (res) => res.writeHead(202, { 'x-a': '1' })],
    ['a phrase and an object', (res) => res.writeHead(202, 'Fine', { 'x-a': '1' })],
    ['a flat list', (res) => res.writeHead(202, ['x-a', '1'])],
  ])('has the head of writeHead with %s', async (_, write) => {
    const answer = await told((_req, res) => {
      res.setHeader('x-a', 'before')
      write(res)
      res.end('x')
    })
    expect([answer.status, answer.headers.get('x-a')]).toEqual([202, '1'])
  })

  test('says what Node says of it', async () => {
    const states: unknown[] = []
    let response: ServerResponse | undefined
    const { text } = await told(async (_req, res) => {
      response = res
      const look = () => states.push([res.headersSent, res.writableEnded])
      look()
      res.write('a')
      look()
      expect(() => res.writeHead(200)).toThrow(/after they are sent/)
      res.end('b', look)
      look()
      res.end('ignored')
      res.write('ignored', (error) => states.push((error as NodeJS.ErrnoException).code))
      await once(res, 'close')
    })
    expect(text).toBe('ab')
    await vi.waitUntil(() => states.length === 5)
    expect(states.slice(0, 3)).toEqual([
      [false, false],
      [true, false],
      [true, true],
    ])
    expect(states.slice(3)).toEqual(expect.arrayContaining([[true, true], 'ERR_STREAM_WRITE_AFTER_END']))
    expect(response?.writableFinished).toBe(true)
  })

  test('is written at the pace of the client', async () => {
    let written = 0
    let isFull = false
    const handler = nodeFunction(async (_req, res) => {
      for (let at = 0; at < 200 && !res.destroyed; at++) {
        written += 65_536
        if (!res.write(Buffer.alloc(65_536))) {
          isFull = true
          await once(res, 'drain')
        }
      }
      res.end()
    })
    await using server = await serve(handler, { port: 0, host: '127.0.0.1' })
    const response = await fetch(server.url)
    const reader = response.body?.getReader()
    await reader?.read()
    await vi.waitUntil(() => isFull)
    expect(written).toBeLessThan(200 * 65_536)
    let size = 0
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true }
      if (done) break
      size += value?.byteLength ?? 0
    }
    expect(size).toBeGreaterThan(12_000_000)
  })

  test('is closed when the client leaves', async () => {
    let closed = 0
    let begun = false
    const handler = nodeFunction((req, res) => {
      req.on('close', () => closed++)
      res.on('close', () => closed++)
      res.write('x')
      begun = true
    })
    await using server = await serve(handler, { port: 0, host: '127.0.0.1' })
    const control = new AbortController()
    const response = await fetch(server.url, { signal: control.signal })
    await response.body?.getReader().read()
    expect(begun).toBe(true)
    control.abort()
    await vi.waitUntil(() => closed === 2)
  })

  test('of a client that has left before is not waited for', async () => {
    const side = exchange('/')
    const answer = nodeFunction(() => {})(side.ctx)
    side.abort()
    await expect(answer).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})

describe('a function that fails', () => {
  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('secret')
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
  ])('and %s is 500', async (_, fn) => {
    const answer = await told(fn)
    expect([answer.status, answer.text]).toEqual([500, expect.not.stringContaining('secret')])
  })

  test('after it has begun to answer breaks the answer off', async () => {
    const handler = nodeFunction(async (_req, res) => {
      res.write('part')
      await new Promise(setImmediate)
      throw new Error('secret')
    })
    await using server = await serve(handler, { port: 0, host: '127.0.0.1' })
    const response = await fetch(server.url)
    await expect(response.text()).rejects.toThrow()
  })
})

describe.each([
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
])('an application of %s', (_, make) => {
  const app = make()
    .disable('x-powered-by')
    .use(compression({ threshold: 0 }))
    .use(make.json())
    .post('/echo', (req, res) => void res.status(201).json({ got: req.body, from: req.ip }))
    .get('/stream', (_req, res) => void pipeline(Readable.from(['a', 'b', 'c']), res.type('text')))
    .get('/redirect', (_req, res) => res.redirect('/there'))
    .get('/boom', () => {
      throw new Error('secret')
    })
  app.set('env', 'test')

  test('answers as on a server', async () => {
    const handler = nodeFunction(app)
    const echo = await call(handler, { method: 'POST', url: '/echo', json: { a: 1 } })
    expect([echo.status, await echo.json()]).toEqual([201, { got: { a: 1 }, from: '127.0.0.1' }])
    expect(echo.headers.get('etag')).toBeDefined()
    const stream = await call(handler, '/stream')
    expect([stream.status, await stream.text()]).toEqual([200, 'abc'])
    const redirect = await call(handler, '/redirect')
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, '/there'])
    expect((await call(handler, '/nowhere')).status).toBe(404)
    expect((await call(handler, '/boom')).status).toBe(500)
    const fresh = await call(handler, { url: '/stream', headers: { 'accept-encoding': 'gzip' } })
    expect(fresh.headers.get('content-encoding')).toBe('gzip')
  })
})

test('what is no function is refused at start', () => {
  expect(() => nodeFunction('x' as never)).toThrow(/fn must be a function of a request and a response/)
})
