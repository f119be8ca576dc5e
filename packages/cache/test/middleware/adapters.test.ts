import { cache } from '@gatelet/cache'
import { chain, type Handler, HeaderList } from '@gatelet/core'
import { toFetch } from '@gatelet/fetch'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { origins, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const said = (headers: Headers) =>
  headers
    .get('cache-status')
    ?.replace('gatelet; ', '')
    .replace(/ttl=\d+/, 'ttl=…')

describe('in front of a proxy, over sockets', () => {
  const scene = async (answer: Parameters<typeof origins>[1] = {}) => {
    const farm = await origins(1, answer)
    const forward = proxy(farm.urls[0] as string)
    const layer = cache()
    const server = await serve(chain().use(layer).to(forward), { host: '127.0.0.1', port: 0 })
    return {
      farm,
      layer,
      url: server.url,
      port: server.port,
      async [Symbol.asyncDispose]() {
        await server.close({ graceMs: 0 })
        await forward.close()
        await farm[Symbol.asyncDispose]()
      },
    }
  }

  test('bytes are those of the origin, stored and collapsed, and it is asked once', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) % 251))
    let asked = 0
    await using gateway = await scene({
      handler: (_req, res) => {
        asked++
        res.writeHead(200, { 'cache-control': 'max-age=60', etag: '"1"' })
        // In pieces, and without a length.
        for (let at = 0; at < bytes.length; at += 50_000) res.write(bytes.subarray(at, at + 50_000))
        res.end()
      },
    })
    const get = async (headers = {}) => {
      const response = await fetch(`${gateway.url}/a`, { headers })
      return { status: response.status, said: said(response.headers), bytes: Buffer.from(await response.arrayBuffer()) }
    }
    const all = await Promise.all(Array.from({ length: 20 }, () => get()))
    for (const each of all) expect(each.bytes.equals(bytes)).toBe(true)
    const hit = await get()
    expect([hit.said, hit.bytes.equals(bytes)]).toEqual(['hit; ttl=…', true])
    const part = await get({ range: 'bytes=100000-200000' })
    expect([part.status, part.bytes.equals(bytes.subarray(100_000, 200_001))]).toEqual([206, true])
    expect(asked).toBe(1)
  })

  test('103 and trailers reach the one whose request they answer, and trailers are not stored', async () => {
    await using gateway = await scene({
      handler: (_req, res) => {
        res.writeEarlyHints({ link: '</a.css>; rel=preload' })
        res.writeHead(200, { 'cache-control': 'max-age=60', trailer: 'x-sum' })
        res.write('hello')
        res.addTrailers({ 'x-sum': '7' })
        res.end()
      },
    })
    const first = await rawRequest(gateway.port, 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(first.text).toMatch(/^HTTP\/1\.1 103 [\s\S]*HTTP\/1\.1 200 [\s\S]*x-sum: 7/i)
    const second = await rawRequest(gateway.port, 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(second.text).toMatch(/cache-status: gatelet; hit/i)
    expect(second.text).not.toMatch(/x-sum/i)
  })
})

test('stands in a function of the web platform', async () => {
  let asked = 0
  const handler: Handler = () => ({
    status: 200,
    headers: new HeaderList({ 'cache-control': 'max-age=60' }),
    body: `body ${++asked}`,
  })
  const answer = toFetch(chain().use(cache()).to(handler))
  const get = async () => {
    const response = await answer(new Request('https://a.example/x'))
    return [await response.text(), said(response.headers)]
  }
  expect(await get()).toEqual(['body 1', 'fwd=uri-miss; fwd-status=200; stored'])
  expect(await get()).toEqual(['body 1', 'hit; ttl=…'])
})
