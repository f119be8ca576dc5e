import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chain } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import {
  addressList,
  maintenance,
  redirect,
  requestHeaders,
  requestId,
  requestLimits,
  responseHeaders,
  rewrite,
  securityHeaders,
  timeout,
} from '@gatelet/router'
import { rawRequest } from '@gatelet/testing'
import type { Application } from 'express'
import { describe, expect, test } from 'vitest'
import { expresses } from './expresses.ts'

/** Asks an application, byte for byte. */
async function asked(app: Application, head: string, body = '') {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const data = `${head.replaceAll('\n', '\r\n')}\r\nHost: a.test\r\n\r\n${body}`
    const { responses } = await rawRequest((server.address() as AddressInfo).port, data, { responses: 1 })
    return responses.at(-1)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

describe.each(expresses)('in front of %s', (_, express) => {
  const silent = () => express().set('env', 'test')

  test('replies get and lose header fields, those of errors too', async () => {
    const app = silent()
    app.use(
      toExpress(
        chain()
          .use(requestId())
          .use(securityHeaders())
          .use(responseHeaders({ set: { 'x-set': '1' }, add: { vary: 'x-b' }, remove: ['etag'] })),
      ),
    )
    app.get('/', (_req, res) => void res.vary('x-c').set('x-set', '0').json({ ok: true }))
    app.get('/fails', () => {
      throw Object.assign(new Error('no'), { status: 418 })
    })
    for (const [path, status] of [
      ['/', 200],
      ['/fails', 418],
      ['/none', 404],
    ] as const) {
      const { headers, status: found } = (await asked(app, `GET ${path} HTTP/1.1`)) ?? {}
      expect([found, headers?.get('x-set'), headers?.has('etag'), headers?.has('x-powered-by')]).toEqual([
        status,
        '1',
        false,
        false,
      ])
      expect([headers?.get('x-frame-options'), headers?.get('x-request-id')?.length]).toEqual(['DENY', 36])
      if (path === '/') expect(headers?.get('vary')).toBe('x-c, x-b')
    }
  })

  test('handlers see the header fields, the path and the host that layers made', async () => {
    const app = silent()
    app.use(
      toExpress(
        chain()
          .use(requestHeaders({ set: { 'x-tenant': 'a' }, remove: ['cookie'] }))
          .use(rewrite({ path: '/new', host: 'b.test' })),
      ),
    )
    app.get('/new', (req, res) => void res.json([req.url, req.hostname, req.get('x-tenant'), req.get('cookie') ?? null]))
    expect((await asked(app, 'GET /old?q=1 HTTP/1.1\nCookie: a=1'))?.text).toBe('["/new?q=1","b.test","a",null]')
  })

  test('a redirect leads to where its mount is', async () => {
    const app = silent()
    app.use('/shop', toExpress(redirect({ path: '/sale' })))
    app.use('/plain', toExpress(redirect({ scheme: 'https' }), { path: 'original' }))
    expect((await asked(app, 'GET /shop/old?a HTTP/1.1'))?.headers.get('location')).toBe('/shop/sale?a')
    expect((await asked(app, 'GET /plain/x HTTP/1.1'))?.headers.get('location')).toBe('https://a.test/plain/x')
  })

  test('requests are refused by address, by size, for a while, and when their time is over', async () => {
    const app = silent()
    app.use('/denied', toExpress(addressList({ deny: ['127.0.0.0/8'] })))
    app.use('/closed', toExpress(maintenance({ active: true, keep: [] })))
    app.use('/small', toExpress(requestLimits({ maxBodyBytes: 3, requireLength: true })))
    app.use('/quick', toExpress(timeout({ requestMs: 20 })))
    app.get('/quick', () => {})
    app.post('/small', express.text(), (req, res) => void res.send(`got ${String(req.body)}`))
    const statuses = async (head: string, body?: string) => (await asked(app, head, body))?.status
    expect(await statuses('GET /denied HTTP/1.1')).toBe(403)
    expect(await statuses('GET /closed HTTP/1.1')).toBe(503)
    expect(await statuses('GET /quick HTTP/1.1')).toBe(504)
    expect(await statuses('POST /small HTTP/1.1\nContent-Length: 4', 'abcd')).toBe(413)
    expect(await statuses('POST /small HTTP/1.1\nTransfer-Encoding: chunked', '1\r\na\r\n0\r\n\r\n')).toBe(411)
    expect((await asked(app, 'POST /small HTTP/1.1\nContent-Type: text/plain\nContent-Length: 3', 'abc'))?.text).toBe('got abc')
  })
})
