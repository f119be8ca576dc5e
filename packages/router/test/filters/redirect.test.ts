import { chain, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { createRouter, type RedirectOptions, redirect } from '@gatelet/router'
import { call, describeMiddleware, rawRequest } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from '../refusal.ts'

describeMiddleware('redirect', () => (ctx, next) => redirect({ path: '/' })(ctx, next), {
  describe,
  test,
  refuses: '/elsewhere',
})

const paths = { doubleSlash: true, encodedSlash: true, encodedBackslash: true }
const sent = async (options: RedirectOptions, url: string, mounted = '/foo') => {
  const { status, headers, body } = await call(createRouter().mount(mounted, redirect(options)), { url, paths })
  expect(body).toBe(null)
  return [status, headers.get('location')]
}

describe('Location', () => {
  // The Gateway API's rules: HTTPRequestRedirectFilter, and its conformance tests of scheme, host, port, path and status.
  test.each<[string, RedirectOptions, string, string]>([
    ['another host', { host: 'example.org' }, 'http://example.com/foo?a=1', 'http://example.org/foo?a=1'],
    [
      'another host, at the port that was asked',
      { host: 'example.org' },
      'http://example.com:8080/foo',
      'http://example.org:8080/foo',
    ],
    ['another scheme, at its usual port', { scheme: 'https' }, 'http://example.com/foo', 'https://example.com/foo'],
    ['another scheme, which has another port', { scheme: 'https' }, 'http://example.com:8080/foo', 'https://example.com/foo'],
    ['the same scheme, at its usual port', { scheme: 'http' }, 'http://example.com:8080/foo', 'http://example.com/foo'],
    ['http', { scheme: 'http' }, 'https://example.com/foo', 'http://example.com/foo'],
    ['a port', { port: 8080 }, 'http://example.com/foo', 'http://example.com:8080/foo'],
    ['the usual port of http, which is not written', { port: 80 }, 'http://example.com:8080/foo', 'http://example.com/foo'],
    ['the usual port of https', { scheme: 'https', port: 443 }, 'http://example.com/foo', 'https://example.com/foo'],
    ['that of the other scheme, which is', { scheme: 'https', port: 80 }, 'http://example.com/foo', 'https://example.com:80/foo'],
    ['443 for http', { port: 443 }, 'http://example.com/foo', 'http://example.com:443/foo'],
    [
      'all of it',
      { scheme: 'https', host: 'a.test', port: 8443, path: '/x' },
      'http://example.com/foo?b',
      'https://a.test:8443/x?b',
    ],
    ['an address of IPv6', { scheme: 'https', host: '[::1]' }, 'http://example.com/foo', 'https://[::1]/foo'],
    ['a whole path', { path: '/xyz' }, '/foo/bar?a=1', '/xyz?a=1'],
    ['another prefix', { prefix: '/xyz' }, '/foo/bar', '/xyz/bar'],
    ['no prefix', { prefix: '/' }, '/foo/bar', '/bar'],
    ['no prefix of nothing else', { prefix: '' }, '/foo', '/'],
    ['a prefix with its slash', { prefix: '/xyz' }, '/foo/', '/xyz/'],
    ['prefix and host', { prefix: '/xyz', host: 'a.test' }, 'http://b.test/foo/bar', 'http://a.test/xyz/bar'],
    ['the canonical path, not the raw one', { host: 'a.test' }, 'http://b.test/foo/./%7euser/../x', 'http://a.test/foo/x'],
  ])('names %s', async (_, options, url, location) => {
    expect(await sent(options, url)).toEqual([302, location])
  })

  test('has the parameters of the route, encoded', async () => {
    const router = createRouter().get('/people/:id', redirect({ path: '/users/:id', status: 308 }))
    const { status, headers } = await call(router, { url: '/people/a%20b%2F?c', paths })
    expect([status, headers.get('location')]).toEqual([308, '/users/a%20b%2F?c'])
  })

  test.each<[string, RedirectOptions]>([
    ['/foo//evil.test/x', { prefix: '/' }],
    ['/foo//evil.test', { prefix: '' }],
    ['/foo/%5Cevil.test', { prefix: '/' }],
    ['/foo/%2F%2Fevil.test', { prefix: '/' }],
    ['http://a.test/foo//evil.test', { prefix: '/', scheme: 'https' }],
  ])('of %s stays at the host that was asked', async (url, options) => {
    const [, location] = await sent(options, url)
    expect(location).not.toMatch(/^\/[/\\]/)
    expect(new URL(String(location), 'http://a.test/').hostname).toBe('a.test')
  })

  test('never leads to another host, whatever the path', async () => {
    const router = createRouter()
      .mount('/foo', redirect({ prefix: '/' }))
      .mount('/bar/*rest', redirect({ path: '/*rest' }))
    const part = fc.constantFrom(
      '/',
      '\\',
      '%5C',
      '%2F',
      '.',
      '..',
      '%2e',
      ':',
      '@',
      'evil.test',
      'https:',
      ';',
      '?',
      '%09',
      '%0a',
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/foo', '/bar'), fc.array(part, { maxLength: 8 }), async (start, parts) => {
        const reply = await call(router, { url: `${start}/${parts.join('')}`, paths }).catch(() => undefined)
        const location = reply?.headers.get('location')
        if (location === undefined) return
        expect(location).not.toMatch(/^\/[/\\]/)
        expect(new URL(location, 'http://a.test/').host).toBe('a.test')
      }),
      { seed: 3, numRuns: 2_000 },
    )
  })

  test('cannot name a host that nobody has named: 400', async () => {
    await using server = await serve(createRouter().get('/', redirect({ scheme: 'https' })), { port: 0, host: '127.0.0.1' })
    const [old] = (await rawRequest(server.port, 'GET / HTTP/1.0\r\n\r\n')).responses
    expect([old?.status, old?.headers.has('location')]).toEqual([400, false])
    const [reply] = (await rawRequest(server.port, 'GET /?a HTTP/1.1\r\nHost: A.test:80\r\n\r\n', { responses: 1 })).responses
    expect([reply?.status, reply?.headers.get('location'), reply?.headers.get('content-length')]).toEqual([
      302,
      'https://a.test/?a',
      '0',
    ])
  })
})

test.each([301, 302, 303, 307, 308] as const)(
  'the status is %i where that is asked for, of a HEAD and a handshake too',
  async (status) => {
    const router = createRouter().any('/', redirect({ path: '/x', status }))
    for (const method of ['GET', 'HEAD', 'POST']) expect((await call(router, `${method} /`)).status).toBe(status)
    expect((await call(router, { kind: 'upgrade' })).status).toBe(status)
  },
)

describe('as a layer', () => {
  const layered = (options: RedirectOptions) =>
    chain()
      .use(redirect(options))
      .to(() => text('there'))

  test.each<[string, RedirectOptions, string, string]>([
    ['scheme', { scheme: 'https' }, 'http://a.test:8443/', 'https://a.test:8443/'],
    ['host', { host: 'www.a.test' }, 'http://a.test/', 'http://WWW.a.test:81/'],
    ['port', { port: 80 }, 'http://a.test:81/', 'http://a.test/'],
    ['path', { path: '/x' }, '/y', '/x?y'],
  ])('it lets requests pass whose %s is right already', async (_, options, wrong, right) => {
    expect((await call(layered(options), wrong)).status).toBe(302)
    expect((await call(layered(options), right)).status).toBe(200)
  })

  test('it asks for all of what it says', async () => {
    const layer = layered({ scheme: 'https', host: 'b.test' })
    expect((await call(layer, 'https://a.test/')).headers.get('location')).toBe('https://b.test/')
    expect((await call(layer, 'https://b.test/')).status).toBe(200)
  })
})

test.each<[string, RedirectOptions, string]>([
  ['to the scheme that it has', { scheme: 'https' }, 'https://a.test/foo/x'],
  ['to the path that it has', { path: '/foo' }, '/foo'],
  ['to another prefix, where no route has matched one', { prefix: '/x' }, '/bar'],
])('as a handler it does not send a client round in circles: %s', async (_, options, url) => {
  const router = createRouter().mount('/foo', redirect(options)).get('/bar', redirect(options))
  const reply = await call(router, url)
  expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([500, 'CHANGE_REFUSED'])
})

describe('redirect refuses', () => {
  test.each<[options: unknown, path: string, right: RegExp]>([
    [{}, '', /an object that says where to/],
    [{ status: 301 }, '', /an object that says where to/],
    [{ status: 304 }, 'status', /301, 302, 303, 307 or 308/],
    [{ scheme: 'ftp' }, 'scheme', /"http" or "https"/],
    [{ host: 'a.test/x' }, 'host', /a host name/],
    [{ host: '*.a.test' }, 'host', /the name of one host/],
    [{ port: 0 }, 'port', /from 1 to 65535/],
    [{ path: '//evil.test' }, 'path', /without \/\//],
    [{ prefix: '//evil.test' }, 'prefix', /without \/\//],
    [{ path: '/a', prefix: '/b' }, 'prefix', /left out where there is a path/],
  ])('%j', (options, field, right) => {
    const error = refusal(() => redirect(untyped<RedirectOptions>(options)))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: field })
    expect(error.message).toMatch(/^redirect: /)
    expect(error.message).toMatch(right)
  })
})
