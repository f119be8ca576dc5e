import { type Context, chain, json, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { createRouter, type RewriteOptions, rewrite } from '@gatelet/router'
import { call, describeMiddleware, origins, rawRequest } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from '../refusal.ts'

describeMiddleware('rewrite', () => rewrite({ path: '/new', host: 'b.test' }), { describe, test })

const seen = ({ request: { url, headers } }: Context) => text(`${url.host}${url.path}${url.search} ${headers.get('host')}`)
const path = (ctx: Context) => text(ctx.request.url.path + ctx.request.url.search)
const answer = async (...asked: Parameters<typeof call>) => (await call(...asked)).text()

describe('the prefix that a route matched', () => {
  // The table of the Gateway API, HTTPPathModifier.replacePrefixMatch; `/foo` and `/foo/` are the same prefix.
  test.each<[path: string, prefix: string, expected: string]>([
    ['/foo/bar', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/xyz/', '/xyz/bar'],
    ['/foo', '/xyz', '/xyz'],
    ['/foo/', '/xyz', '/xyz/'],
    ['/foo/bar', '', '/bar'],
    ['/foo/', '', '/'],
    ['/foo', '', '/'],
    ['/foo/', '/', '/'],
    ['/foo', '/', '/'],
    // Beyond it.
    ['/foo/bar', '/', '/bar'],
    ['/foo', '/xyz/', '/xyz'],
    ['/foo/a%2Fb/c%20d/', '/x/y', '/x/y/a%2Fb/c%20d/'],
    ['/foo/foo', '/foo/foo', '/foo/foo/foo'],
    ['/foo//bar', '/', '//bar'],
    ['/foo?a=1&b=%2F', '/xyz', '/xyz?a=1&b=%2F'],
  ])('of %s is replaced by %j: %s', async (url, prefix, expected) => {
    for (const mounted of ['/foo', '/foo/', '/foo/*rest']) {
      const router = createRouter().mount(mounted, rewrite({ prefix }), path)
      expect(await answer(router, { url, paths: { doubleSlash: true, encodedSlash: true } })).toBe(expected)
    }
  })

  test('is what all routers around have matched, and a router behind begins anew', async () => {
    const inner = createRouter().get('/api/users/:id', (ctx) =>
      json([ctx.request.url.path, ctx.state.params.id, ctx.state.route]),
    )
    const outer = createRouter().mount('/teams', createRouter().mount('/:team', rewrite({ prefix: '/api' }), inner))
    expect(await (await call(outer, '/teams/a/users/7')).json()).toEqual(['/api/users/7', '7', '/teams/:team/api/users/:id'])
  })

  test('is none where the route has no rest, or no router is in front: nothing changes', async () => {
    expect(await answer(createRouter().get('/foo', rewrite({ prefix: '/xyz' }), path), '/foo')).toBe('/foo')
    expect(
      await answer(
        chain()
          .use(rewrite({ prefix: '/xyz' }))
          .to(path),
        '/foo',
      ),
    ).toBe('/foo')
  })
})

describe('the whole path', () => {
  test.each<[pattern: string, template: string, url: string, expected: string]>([
    ['/old', '/new/place', '/old?a=1', '/new/place?a=1'],
    ['/old', '/caf%c3%a9', '/old', '/caf%C3%A9'],
    ['/old', '/', '/old', '/'],
    ['/users/:id', '/v2/people/:id/card', '/users/a%20b%2Fc', '/v2/people/a%20b%2Fc/card'],
    ['/users/:id', '/:id', '/users/%3Fa%23', '/%3Fa%23'],
    ['/:a/:b/*rest', '/x/*rest', '/1/2/c%20d/e/', '/x/c%20d/e/'],
    ['/:a/:b/*rest', '/:b/:a', '/1/2/3', '/2/1'],
  ])('of %s is replaced by %s', async (pattern, template, url, expected) => {
    const router = createRouter().get(pattern, untyped<ReturnType<typeof rewrite>>(rewrite({ path: template })), path)
    expect(await answer(router, { url, paths: { encodedSlash: true } })).toBe(expected)
  })

  test('never gets a segment from a parameter, nor loses one', async () => {
    const router = createRouter().get('/users/:id', rewrite({ path: '/v2/:id/end' }), path)
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), async (id) => {
        const url = `/users/${encodeURIComponent(id)}`
        const reply = await call(router, { url, paths: { encodedSlash: true, encodedBackslash: true } }).catch(() => undefined)
        if (reply?.status !== 200) return // refused at the edge, or nothing that a path can carry
        const segments = (await reply.text()).split('/')
        expect(segments).toHaveLength(4)
        expect(decodeURIComponent(segments[2] as string)).toBe(id)
      }),
      { seed: 7, numRuns: 300 },
    )
  })

  test('cannot be filled where no route has captured what it names: 500', async () => {
    const layer = untyped<ReturnType<typeof rewrite>>(rewrite({ path: '/v2/:id' }))
    const reply = await call(chain().use(layer).to(path), '/x')
    expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([500, 'CHANGE_REFUSED'])
  })
})

describe('the host', () => {
  test('is that of the URL and of the field, without the port of the old one', async () => {
    const handler = chain()
      .use(rewrite({ host: 'B.Test' }))
      .to(seen)
    expect(await answer(handler, 'http://a.test:8080/x?y')).toBe('b.test/x?y b.test')
  })

  test('is no field where there was none', async () => {
    const handler = chain()
      .use(rewrite({ host: 'b.test' }))
      .to((ctx) => {
        return json([ctx.request.url.host, ctx.request.headers.has('host')])
      })
    await using server = await serve(handler, { port: 0, host: '127.0.0.1' })
    const { responses } = await rawRequest(server.port, 'GET / HTTP/1.0\r\n\r\n')
    expect(responses[0]?.text).toBe('["b.test",false]')
  })
})

test('path and host reach the upstream, of handshakes too', async () => {
  await using farm = await origins(1)
  const upstream = proxy(farm.urls[0] as string, { host: 'preserve' })
  const router = createRouter()
    .mount('/v1', rewrite({ prefix: '/api', host: 'inner.test' }), upstream)
    .get('/people/:id', rewrite({ path: '/users/:id' }), upstream)
  await using server = await serve(router, { port: 0, host: '127.0.0.1' })
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
  const ask = (url: string, more = '') =>
    rawRequest(server.port, `GET ${url} HTTP/1.1\r\nHost: outer.test\r\n${more}\r\n`, { responses: 1 })
  await ask('/v1/users?a=%2F')
  await ask('/v1/ws', upgrade)
  await ask('/people/a%20b')
  const requests = farm.servers[0]?.requests ?? []
  expect(requests.map(({ url, headers }) => [url, headers.host])).toEqual([
    ['/api/users?a=%2F', 'inner.test'],
    ['/api/ws', 'inner.test'],
    ['/users/a%20b', 'outer.test'],
  ])
  await upstream.close()
})

describe('rewrite refuses', () => {
  test.each<[options: unknown, path: string, right: RegExp]>([
    [{ path: 'x' }, 'path', /a path that starts with a slash/],
    [{ path: '/a/../b' }, 'path', /dot segments/],
    [{ path: '/a?b' }, 'path', /\?/],
    [{ path: '/a/*' }, 'path', /whose rest has a name/],
    [{ prefix: 'x' }, 'prefix', /a path that starts with a slash/],
    [{ prefix: '/:a' }, 'prefix', /without parameters/],
    [{ prefix: '/a/*' }, 'prefix', /without parameters/],
    [{ prefix: '//evil.test' }, 'prefix', /without \/\//],
    [{ path: '/a', prefix: '/b' }, 'prefix', /left out where there is a path/],
    [{ host: 'a.test:80' }, 'host', /without port/],
    [{ host: '*.a.test' }, 'host', /the name of one host/],
    [{ hots: 'a' }, 'hots', /did you mean host/],
  ])('%j', (options, field, right) => {
    const error = refusal(() => rewrite(untyped<RewriteOptions>(options)))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: field })
    expect(error.message).toMatch(/^rewrite: /)
    expect(error.message).toMatch(right)
  })
})
