import { chain, empty, GatewayError, type Handler, json, type Reply, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type CorsOptions, cors, createRouter, rewrite } from '@gatelet/router'
import { type Answer, call, describeMiddleware } from '@gatelet/testing'
import { describe, expect, test, vi } from 'vitest'

const app = 'https://app.example.com'
const behind = (options: CorsOptions, handler: Handler = () => text('ok')) => chain().use(cors(options)).to(handler)
const from = (origin: string, headers: Record<string, string> = {}) => ({ headers: { origin, ...headers } })
const preflight = (origin: string, method = 'PUT', headers: Record<string, string> = {}) => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': method, ...headers },
})

/** What a reply says of CORS, without the prefix. */
const said = ({ headers }: Answer | Reply) =>
  Object.fromEntries(
    [...headers].flatMap(([name, value]) => (name.startsWith('access-control-') ? [[name.slice(15), value]] : [])),
  )

describeMiddleware('cors', () => cors({ allowOrigins: [app], refuseOthers: true }), {
  describe,
  test,
  passes: from(app),
  refuses: from('https://evil.test'),
})

describe('an actual request', () => {
  test('of an allowed origin goes on, and the reply says that its page may read it', async () => {
    const reply = await call(behind({ allowOrigins: [app], exposeHeaders: ['x-a', 'x-b'] }), from(app))
    expect([reply.status, await reply.text()]).toEqual([200, 'ok'])
    expect(said(reply)).toEqual({ 'allow-origin': app, 'expose-headers': 'x-a, x-b' })
    expect(reply.headers.get('vary')).toBe('Origin')
  })

  test('of another origin goes on and gets nothing that a page could read it by', async () => {
    const handler = vi.fn<Handler>(() => text('ok'))
    const reply = await call(behind({ allowOrigins: [app] }, handler), from('https://evil.test'))
    expect(reply.status).toBe(200)
    expect(handler).toHaveBeenCalledOnce()
    expect(said(reply)).toEqual({})
    expect(reply.headers.get('vary')).toBe('Origin')
  })

  test('without an origin gets nothing either, but a cache is told that others may', async () => {
    const reply = await call(behind({ allowOrigins: [app] }), '/')
    expect(said(reply)).toEqual({})
    expect(reply.headers.get('vary')).toBe('Origin')
  })

  test('is no preflight for being OPTIONS', async () => {
    const handler = vi.fn<Handler>(() => text('options'))
    const guarded = behind({ allowOrigins: [app] }, handler)
    expect(await (await call(guarded, { method: 'OPTIONS', ...from(app) })).text()).toBe('options')
    expect(await (await call(guarded, { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } })).text()).toBe(
      'options',
    )
    const head = await call(guarded, { method: 'GET', ...from(app, { 'access-control-request-method': 'PUT' }) })
    expect(said(head)).toEqual({ 'allow-origin': app })
  })

  test('of any origin is told a star, whether it has one or not, and nothing varies', async () => {
    const open = behind({ allowOrigins: '*' })
    for (const request of ['/', from(app), from('null')] as const) {
      const reply = await call(open, request)
      expect(said(reply)).toEqual({ 'allow-origin': '*' })
      expect(reply.headers.has('vary')).toBe(false)
    }
  })

  test('with credentials is told its own origin, and may use them', async () => {
    const reply = await call(behind({ allowOrigins: [app], allowCredentials: true }), from(app))
    expect(said(reply)).toEqual({ 'allow-origin': app, 'allow-credentials': 'true' })
  })

  test('replaces what an upstream says of CORS, and keeps what else it varies by', async () => {
    const headers = {
      'Access-Control-Allow-Origin': '*',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'x-secret',
      vary: 'Accept-Encoding, origin',
      'x-other': '1',
    }
    for (const origin of [app, 'https://evil.test']) {
      const reply = await call(
        behind({ allowOrigins: [app] }, () => text('ok', { headers })),
        from(origin),
      )
      expect(Object.fromEntries(reply.headers)).toEqual({
        ...(origin === app ? { 'access-control-allow-origin': app } : {}),
        vary: 'Accept-Encoding, origin',
        'x-other': '1',
        'content-type': 'text/plain; charset=utf-8',
      })
    }
  })

  test.each([
    ['Accept-Encoding', 'Accept-Encoding, Origin'],
    ['*', '*'],
  ])('adds to Vary: %s', async (vary, expected) => {
    const reply = await call(
      behind({ allowOrigins: [app] }, () => text('ok', { headers: { vary } })),
      from(app),
    )
    expect(reply.headers.getAll('vary')).toEqual([expected])
  })

  test('exposes all fields by a star, or by their names where a star would be a name', async () => {
    const handler: Handler = () => text('ok', { headers: { 'X-Total': '7', 'set-cookie': 'a=b' } })
    const without = await call(behind({ allowOrigins: [app], exposeHeaders: ['*'] }, handler), from(app))
    expect(without.headers.get('access-control-expose-headers')).toBe('*')
    const options = { allowOrigins: [app], exposeHeaders: ['*'], allowCredentials: true }
    const reply = await call(behind(options, handler), from(app))
    expect(reply.headers.get('access-control-expose-headers')).toBe('x-total, content-type')
  })
})

describe('an error can be read by the page', () => {
  test.each<[string, Handler, number]>([
    ['of the gateway', () => Promise.reject(new GatewayError('NO_ENDPOINT', { headers: { 'retry-after': '3' } })), 503],
    ['that a handler throws', () => JSON.parse('{'), 500],
    ['that the router answers', createRouter().post('/', () => text('ok')), 405],
  ])('%s', async (_, handler, status) => {
    const reply = await call(behind({ allowOrigins: [app] }, handler), from(app))
    expect(reply.status).toBe(status)
    expect(said(reply)).toEqual({ 'allow-origin': app })
    expect(reply.headers.get('vary')).toBe('Origin')
    expect(reply.headers.get('cache-control')).toBe('no-store')
  })
})

describe('a preflight', () => {
  const options: CorsOptions = {
    allowOrigins: [app, 'https://*.example.org'],
    allowMethods: ['GET', 'PUT'],
    allowHeaders: ['content-type', 'x-a'],
    exposeHeaders: ['x-b'],
    maxAgeS: 3600,
    allowCredentials: true,
  }
  const vary = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network'

  test('of an allowed origin is answered here, with what its page may do', async () => {
    const handler = vi.fn<Handler>(() => text('ok'))
    const reply = await call(behind(options, handler), preflight('https://a.b.example.org'))
    expect([reply.status, await reply.text()]).toEqual([204, ''])
    expect(handler).not.toHaveBeenCalled()
    expect(said(reply)).toEqual({
      'allow-origin': 'https://a.b.example.org',
      'allow-credentials': 'true',
      'allow-methods': 'GET, PUT',
      'allow-headers': 'content-type, x-a',
      'expose-headers': 'x-b',
      'max-age': '3600',
    })
    expect(reply.headers.get('vary')).toBe(vary)
  })

  test('of another origin is answered without a word, and varies alike', async () => {
    const reply = await call(behind(options), preflight('https://example.org'))
    expect(reply.status).toBe(204)
    expect(said(reply)).toEqual({})
    expect(reply.headers.get('vary')).toBe(vary)
  })

  test('needs no route', async () => {
    const handler = behind(
      options,
      createRouter().put('/a', () => empty()),
    )
    expect((await call(handler, { ...preflight(app), url: '/nowhere' })).status).toBe(204)
  })

  test('is passed on by option, and its answer says what the page may do', async () => {
    const handler = vi.fn<Handler>(() => json({ mine: true }, { headers: { 'access-control-allow-origin': 'https://x.test' } }))
    const reply = await call(behind({ ...options, passPreflights: true }, handler), preflight(app))
    expect(await reply.json()).toEqual({ mine: true })
    expect(said(reply)).toMatchObject({ 'allow-origin': app, 'allow-methods': 'GET, PUT', 'max-age': '3600' })
  })

  test.each([false, true])('allows what is asked for where all is allowed (credentials: %s)', async (allowCredentials) => {
    const all = { allowOrigins: [app], allowMethods: ['*'], allowHeaders: ['*'], allowCredentials }
    const asked = { 'access-control-request-headers': 'authorization,x-a' }
    const reply = await call(behind(all), preflight(app, 'PURGE', asked))
    expect(said(reply)).toMatchObject({ 'allow-methods': 'PURGE', 'allow-headers': 'authorization,x-a' })
    expect(said(await call(behind(all), preflight(app)))).not.toHaveProperty('allow-headers')
  })

  test('does not give back what is no list of names', async () => {
    const all = { allowOrigins: '*', allowMethods: ['*'], allowHeaders: ['*'] }
    const reply = await call(behind(all), preflight(app, 'a b', { 'access-control-request-headers': 'x-a; <b>' }))
    expect(said(reply)).toEqual({ 'allow-origin': '*' })
  })

  test('may ask for a private network where that is allowed', async () => {
    const asked = preflight(app, 'GET', { 'access-control-request-private-network': 'true' })
    expect(said(await call(behind({ allowOrigins: [app] }), asked))).toEqual({ 'allow-origin': app })
    expect(said(await call(behind({ allowOrigins: [app], allowPrivateNetwork: true }), asked))).toEqual({
      'allow-origin': app,
      'allow-private-network': 'true',
    })
  })
})

describe('an origin', () => {
  test.each([
    ['https://app.example.com', ['https://app.example.com']],
    ['https://app.example.com', ['HTTPS://App.Example.com:443']],
    ['http://localhost:5173', ['http://localhost:5173']],
    ['https://a.example.com', ['https://*.example.com']],
    ['https://a.b.example.com', ['https://*.example.com']],
    ['https://a.example.com:8443', ['https://*.example.com:8443']],
    ['https://anything', ['https://*']],
    ['https://anything:8443', ['https://*:8443']],
    ['https://xn--bcher-kva.example', ['https://bücher.example']],
    ['http://[::1]', ['http://[0:0:0:0:0:0:0:1]']],
    ['null', ['null']],
    ['capacitor://localhost', ['capacitor://localhost']],
    ['chrome-extension://abc', ['chrome-extension://abc']],
  ])('%s is allowed by %j', async (origin, allowOrigins) => {
    expect(said(await call(behind({ allowOrigins }), from(origin)))).toEqual({ 'allow-origin': origin })
  })

  test.each([
    ['http://app.example.com', 'https://app.example.com'],
    ['https://app.example.com:8443', 'https://app.example.com'],
    ['https://APP.example.com', 'https://app.example.com'],
    ['https://app.example.com, https://app.example.com', 'https://app.example.com'],
    ['https://app.example.com/', 'https://app.example.com'],
    ['https://example.com', 'https://*.example.com'],
    ['https://.example.com', 'https://*.example.com'],
    ['https://evilexample.com', 'https://*.example.com'],
    ['https://a.example.com.evil.test', 'https://*.example.com'],
    ['https://evil.test/.example.com', 'https://*.example.com'],
    ['https://evil.test#.example.com', 'https://*.example.com'],
    ['https://evil.test:1.example.com', 'https://*.example.com'],
    ['https://a@b.example.com', 'https://*.example.com'],
    ['https://a.example.com:8443', 'https://*.example.com'],
    ['http://a.example.com', 'https://*.example.com'],
    ['https://anything:8443', 'https://*'],
    ['null', 'https://*'],
    ['', 'https://*'],
  ])('%j is not allowed by %s', async (origin, allowed) => {
    expect(said(await call(behind({ allowOrigins: allowed }), from(origin)))).toEqual({})
  })

  test('is decided by a function, at once or later, which sees the request', async () => {
    const allowOrigins = vi.fn((origin: string, ctx: { request: { url: { path: string } } }) =>
      ctx.request.url.path === '/later' ? Promise.resolve(origin === app) : origin === app,
    )
    const handler = behind({ allowOrigins, allowCredentials: true })
    for (const url of ['/now', '/later']) {
      const reply = await call(handler, { url, ...from(app) })
      expect(said(reply)).toEqual({ 'allow-origin': app, 'allow-credentials': 'true' })
      expect(said(await call(handler, { url, ...from('https://evil.test') }))).toEqual({})
    }
    expect(allowOrigins).toHaveBeenCalledTimes(4)
    for (const origin of ['null', 'nonsense', 'https://a b', 'https://a, https://b']) await call(handler, from(origin))
    await call(handler, '/')
    expect(allowOrigins).toHaveBeenCalledTimes(4)
  })
})

describe('refuseOthers', () => {
  const options: CorsOptions = { allowOrigins: [app], refuseOthers: true }

  test.each(['request', 'upgrade'] as const)('answers a %s of another origin 403', async (kind) => {
    const handler = vi.fn<Handler>(() => text('ok'))
    const reply = await call(behind(options, handler), { kind, ...from('https://evil.test') })
    expect(reply.status).toBe(403)
    expect(said(reply)).toEqual({})
    expect(reply.headers.get('vary')).toBe('Origin')
    expect(handler).not.toHaveBeenCalled()
    expect((await call(behind(options), preflight('https://evil.test'))).status).toBe(403)
  })

  test('lets those through that are allowed, of our own origin, or of none', async () => {
    const handler = behind(options)
    expect((await call(handler, from(app))).status).toBe(200)
    expect((await call(handler, '/')).status).toBe(200)
    expect((await call(handler, { url: '/', headers: { host: 'gate.test:81', origin: 'http://gate.test:81' } })).status).toBe(200)
    expect((await call(handler, { url: '/', headers: { host: 'gate.test:81', origin: 'http://gate.test' } })).status).toBe(403)
  })

  test('takes for our own origin what the browser called, not what a rewrite in front made of it', async () => {
    const handler = chain()
      .use(rewrite({ host: 'internal.test' }))
      .to(behind(options))
    const asked = (origin: string) => call(handler, { url: '/', headers: { host: 'gate.test', origin } })
    expect((await asked('http://gate.test')).status).toBe(200)
    expect((await asked('http://internal.test')).status).toBe(403)
  })
})

test('an upgrade of another origin goes on as it came unless others are refused', async () => {
  const reply = await call(behind({ allowOrigins: [app] }), { kind: 'upgrade', ...from('https://evil.test') })
  expect([reply.status, [...reply.headers].length]).toEqual([200, 1])
})

describe('at the start', () => {
  test.each<[CorsOptions, string]>([
    [{ allowOrigins: '*', allowCredentials: true }, 'allowCredentials'],
    [{ allowOrigins: [app, '*'], allowCredentials: true }, 'allowCredentials'],
    [{ allowOrigins: [app, 'null'], allowCredentials: true }, 'allowCredentials'],
    [{ allowOrigins: ['https://*'], allowCredentials: true }, 'allowCredentials'],
    [{ allowOrigins: ['https://*:8443'], allowCredentials: true }, 'allowCredentials'],
    [{ allowOrigins: '*', allowPrivateNetwork: true }, 'allowPrivateNetwork'],
  ])('what would let anybody’s page act as the user is refused: %j', (options, named) => {
    expect(() => cors(options)).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        path: 'allowOrigins',
        message: expect.stringContaining(`with ${named}, or a function`),
      }),
    )
  })

  test('a wildcard below a name of one’s own is none of these', () => {
    expect(() => cors({ allowOrigins: ['https://*.example.com'], allowCredentials: true })).not.toThrow()
  })

  test.each([
    'app.example.com',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://*.*.example.com',
    'https://a.*.example.com',
    'https://app-*.example.com',
    'https://**',
    'https://*.10.0.0.1',
    'https://user@example.com',
    'app://*',
    'https://',
    'https://example.com:0',
    '//example.com',
    '',
  ])('%j is refused as an origin', (origin) => {
    expect(() => cors({ allowOrigins: [origin] })).toThrow(
      expect.objectContaining({ path: 'allowOrigins[0]', message: expect.stringContaining('an origin without a path') }),
    )
  })
})

test('over the wire, errors and refusals included', async () => {
  const router = createRouter()
    .get('/ok', () => text('ok'))
    .get('/fails', () => Promise.reject(new Error('no')))
  await using server = await serve(
    chain()
      .use(cors({ allowOrigins: [app], allowMethods: ['PUT'] }))
      .to(router),
    { port: 0 },
  )
  const at = `http://127.0.0.1:${server.port}`
  const asked = async (path: string, init: RequestInit = {}) => {
    const reply = await fetch(at + path, { ...init, headers: { origin: app, ...init.headers } })
    return [reply.status, reply.headers.get('access-control-allow-origin')]
  }
  expect(await asked('/ok')).toEqual([200, app])
  expect(await asked('/fails')).toEqual([500, app])
  expect(await asked('/nowhere')).toEqual([404, app])
  expect(await asked('/ok', { method: 'DELETE' })).toEqual([405, app])
  expect(await asked('/ok', { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } })).toEqual([204, app])
})
