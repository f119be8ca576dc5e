import type { Context, HeaderList } from '@gatelet/core'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { type CallRequest, call, type RawServer, rawServer } from '@gatelet/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ledger } from './support/ledger.ts'

let server: RawServer
let head = ''

beforeAll(async () => {
  server = await rawServer(async (connection) => {
    for (;;) {
      await connection.read('\r\n\r\n')
      connection.write(`${head}\r\n\r\n`)
    }
  })
})

afterAll(async () => {
  await server.close()
})

/** What comes to the client of an answer with this status and these fields; `UPSTREAM` is replaced by its host and port. */
async function answered(
  status: number,
  fields: readonly string[],
  options: ProxyOptions & { base?: string; request?: CallRequest } = {},
): Promise<HeaderList> {
  const { base = '', request = { url: 'https://shop.example/a' }, ...rest } = options
  const upstream = `127.0.0.1:${server.port}`
  head = [`HTTP/1.1 ${status} X`, 'Content-Length: 0', ...fields].join('\r\n').replaceAll('UPSTREAM', upstream)
  const reply = await call(proxy(server.url + base, { via: 'me', ...rest }), request)
  expect(reply.status).toBe(status)
  return reply.headers
}

describe('fields of one connection', () => {
  test('and those that Connection nominates stay here', async () => {
    const headers = await answered(200, [
      'Connection: keep-alive, X-Internal, x-gone',
      'Keep-Alive: timeout=5',
      'X-Internal: 1',
      'X-Gone: 1',
      'X-Stays: 1',
      'Proxy-Authenticate: Basic',
      'Proxy-Connection: keep-alive',
      'Trailer: x',
      'Upgrade: h2c',
    ])
    expect([...headers].map(([name]) => name)).toEqual(['Content-Length', 'X-Stays', 'via'])
  })

  test('what frames and types the body cannot be nominated away', async () => {
    const headers = await answered(200, [
      'Connection: content-length, content-type, date',
      'Content-Type: text/plain',
      'Date: now',
    ])
    expect([...headers].map(([name]) => name)).toEqual(['Content-Length', 'Content-Type', 'Date', 'via'])
  })
})

test('Via is continued', async () => {
  expect((await answered(200, ['Via: 1.0 fred'])).getAll('via')).toEqual(['1.0 fred', '1.1 me'])
  expect((await answered(200, ['Via: 1.0 fred'], { via: false })).getAll('via')).toEqual(['1.0 fred'])
})

test('bytes above 127 and empty values pass as they are', async () => {
  const headers = await answered(200, ['X-Latin: caf\xe9\x80\xff', 'X-Empty:', 'X-Spaces:   '])
  expect(headers.get('x-latin')).toBe('caf\xe9\x80\xff')
  expect(headers.getAll('x-empty')).toEqual([''])
  expect(headers.getAll('x-spaces')).toEqual([''])
})

test('what the lease adds is added, to an error of the upstream too', async () => {
  head = 'HTTP/1.1 503 X\r\nContent-Length: 0\r\nSet-Cookie: a=1'
  const balancer = ledger([server.url], { replyHeaders: [['set-cookie', 'affinity=0; Path=/']] })
  const reply = await call(proxy(balancer), '/')
  expect(reply.headers.getSetCookie()).toEqual(['a=1', 'affinity=0; Path=/'])
})

describe('Location', () => {
  test('at the name that a layer gave the upstream becomes one at the name that the client called', async () => {
    const upstream = proxy(server.url, { host: 'preserve' })
    const renamed = (ctx: Context) => upstream(ctx.withRequest({ url: { host: 'inner.example', port: undefined } }))
    for (const [place, expected] of [
      ['http://inner.example/x', 'https://shop.example/x'],
      [`http://127.0.0.1:${server.port}/x`, 'https://shop.example/x'],
      ['http://other.example/x', 'http://other.example/x'],
      ['http://shop.example/x', 'http://shop.example/x'],
    ]) {
      head = `HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: ${place}`
      expect((await call(renamed, 'https://shop.example/a')).headers.get('location')).toBe(expected)
    }
  })

  test.each([201, 301, 302, 303, 307, 308])(
    'of a %i at the upstream becomes one at the name that the client called',
    async (status) => {
      const headers = await answered(status, ['Location: http://UPSTREAM/x?y=http://UPSTREAM/#z'])
      expect(headers.get('location')).toBe(`https://shop.example/x?y=http://127.0.0.1:${server.port}/#z`)
    },
  )

  test.each([200, 202, 404])('of a %i is left alone', async (status) => {
    const place = `http://127.0.0.1:${server.port}/x`
    expect((await answered(status, [`Location: ${place}`])).get('location')).toBe(place)
  })

  test.each([
    'http://other.example/x',
    'http://127.0.0.1/x',
    'http://127.0.0.1:1/x',
    'ftp://UPSTREAM/x',
    '//UPSTREAM/x',
    'x/y',
    '../x',
    '?x',
    'javascript:alert(1)',
    '',
  ])('%j is left alone', async (place) => {
    const expected = place.replace('UPSTREAM', `127.0.0.1:${server.port}`)
    expect((await answered(302, [`Location: ${place}`])).get('location')).toBe(expected)
  })

  test.each([
    ['/v1/users/7', '/users/7'],
    ['/v1', '/'],
    ['/v1?x=/v1', '/?x=/v1'],
    ['/v10/x', '/v10/x'],
    ['/other', '/other'],
    ['http://UPSTREAM/v1/users/7', 'https://shop.example/users/7'],
    ['https://UPSTREAM/v1', 'https://shop.example/'],
    ['http://UPSTREAM/other', 'https://shop.example/other'],
  ])('%j is without the base path %j', async (place, expected) => {
    expect((await answered(302, [`Location: ${place}`], { base: '/v1/' })).get('location')).toBe(expected)
  })

  test.each(['/v1//evil.example/x', '/v1/\\evil.example/x'])(
    '%j does not become a place at another host when the base path goes',
    async (place) => {
      const { location } = Object.fromEntries(await answered(302, [`location: ${place}`], { base: '/v1' }))
      expect(new URL(location as string, 'https://shop.example/').host).toBe('shop.example')
    },
  )

  test('names the port that the client called', async () => {
    const request = { url: 'http://shop.example:8080/' }
    expect((await answered(302, ['Location: http://UPSTREAM/x'], { request })).get('location')).toBe('http://shop.example:8080/x')
  })

  test('is left alone when nobody wants it rewritten', async () => {
    const place = `http://127.0.0.1:${server.port}/x`
    expect((await answered(302, [`Location: ${place}`], { rewriteLocation: false })).get('location')).toBe(place)
  })
})

describe('cookies', () => {
  const cookies = [
    'Set-Cookie: a=1; Domain=.Internal.Example; Path=/v1; HttpOnly',
    'set-cookie: b=Domain=internal.example;domain=other.example; path = /V1/x',
    'Set-Cookie: c="x;Path=/";Secure',
    'Set-Cookie: d=1; Path=/a=b; Domain',
  ]

  test('pass as they are, each in its own field', async () => {
    expect((await answered(200, cookies)).getSetCookie()).toEqual(cookies.map((line) => line.replace(/^[^:]*: /, '')))
  })

  test('get the domains and paths of the maps; others are left, empty ones removed', async () => {
    const maps = { domain: { 'Internal.Example': 'shop.example', 'other.example': '' }, path: { '/V1': '/', '/a=b': '/c' } }
    expect((await answered(200, cookies, { cookies: maps })).getSetCookie()).toEqual([
      'a=1; Domain=shop.example; Path=/; HttpOnly',
      'b=Domain=internal.example; path = /V1/x',
      'c="x;Path=/";Secure',
      'd=1; Path=/c; Domain',
    ])
  })

  test('get the value for any other', async () => {
    const maps = { domain: { '*': '' }, path: { '/v1': '/one', '*': '/rest' } }
    expect((await answered(200, cookies.slice(0, 2), { cookies: maps })).getSetCookie()).toEqual([
      'a=1; Path=/one; HttpOnly',
      'b=Domain=internal.example; path =/rest',
    ])
  })
})

test('any list that an upstream may send comes through whole, but for what concerns the connection', async () => {
  const char = fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }))
  const value = fc.array(char, { maxLength: 20 }).map((codes) => String.fromCharCode(...codes).trim())
  const name = fc.stringMatching(/^[a-z][a-z-]{0,10}$/).filter((n) => !/^(connection|te|trailer|upgrade|content-length)$/.test(n))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 40 }), async (fields) => {
      const headers = await answered(
        200,
        fields.map(([n, v]) => `${n}:${v}`),
        { via: false },
      )
      expect([...headers].slice(1)).toEqual(fields)
    }),
    { numRuns: 100, seed: 11 },
  )
})
