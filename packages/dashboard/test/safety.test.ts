import { problem } from '@gatelet/core'
import { dashboard } from '@gatelet/dashboard'
import { type CallRequest, call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { own, scene } from './scene.ts'

const drain = { balancer: 'users', id: 'a', action: 'drain' }

describe('who may', () => {
  test.each([undefined, {}, { authorize: undefined }, { authorize: true }, { authorize: 'everybody' }])(
    'does not start with %j, which says nobody',
    (options) => {
      expect(() => dashboard(options as never)).toThrow(
        /^dashboard: authorize must be a function that says who may see it, or 'loopback'/,
      )
    },
  )

  test.each(['/', '/app.js', '/api/v1/overview', '/api/v1/tail', '/nothing'])('is asked before %s is answered', async (url) => {
    const { page } = scene({ authorize: () => false })
    const reply = await call(page, url)
    expect(reply.status).toBe(403)
    expect(await reply.text()).not.toContain('<')
  })

  test.each([undefined, null, 1, 'yes', {}])('only true lets in, not %j', async (verdict) => {
    const { page } = scene({ authorize: () => verdict as never })
    expect((await call(page, '/')).status).not.toBe(200)
  })

  test('its own reply is given, with the fields that protect', async () => {
    const challenge = () => problem({ status: 401, title: 'Who are you?', headers: { 'www-authenticate': 'Basic' } })
    const { page } = scene({ authorize: challenge })
    const reply = await call(page, '/')
    expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Basic'])
    expect(reply.headers.get('x-frame-options')).toBe('DENY')
  })

  test('who may look may still not change anything', async () => {
    const { read, change, drained } = scene({ authorize: (_, wants) => wants === 'read' })
    expect(await (await read('session')).json()).toMatchObject({ canChange: false, csrfToken: '' })
    expect((await change('endpoints/change', drain)).status).toBe(403)
    expect(drained).toEqual([])
  })

  test('nobody changes anything by one that only shows', async () => {
    const { read, change, drained } = scene({ readOnly: true })
    expect(await (await read('session')).json()).toMatchObject({ canChange: false })
    expect((await change('endpoints/change', drain)).status).toBe(403)
    expect(drained).toEqual([])
  })

  test('an error of the function lets nobody in', async () => {
    const { page } = scene({
      authorize: () => {
        throw new Error('the directory is away')
      },
    })
    expect((await call(page, '/')).status).toBe(500)
  })
})

describe('loopback', () => {
  const local: CallRequest = { url: 'http://localhost:8080/', client: '127.0.0.1' }

  test.each<[string, CallRequest]>([
    ['localhost', {}],
    ['127.0.0.1', { url: 'http://127.0.0.1:8080/' }],
    ['another loopback address', { url: 'http://127.0.0.2/', client: '127.8.0.1' }],
    ['IPv6', { url: 'http://[::1]:8080/', client: '::1' }],
    ['a name below localhost', { url: 'http://gateway.localhost/' }],
  ])('lets in %s', async (_, request) => {
    expect((await call(dashboard({ authorize: 'loopback' }), { ...local, ...request })).status).toBe(200)
  })

  test.each<[string, CallRequest]>([
    ['another machine', { client: '10.0.0.7' }],
    ['another machine that a trusted proxy says is this one', { client: { address: '127.0.0.1', peer: '10.0.0.7' } }],
    ['what has no address', { client: { address: 'unknown', peer: 'unknown' } }],
    ['a name that was bent to this machine', { url: 'http://attacker.example:8080/' }],
    ['a name that only begins so', { url: 'http://localhost.attacker.example/' }],
    ['a name that only begins as an address', { url: 'http://127.0.0.1.attacker.example/' }],
    ['X-Forwarded-For', { headers: { 'x-forwarded-for': '127.0.0.1' } }],
    ['X_Forwarded_Host', { headers: { x_forwarded_host: 'localhost' } }],
    ['Forwarded', { headers: { forwarded: 'for=127.0.0.1' } }],
    ['Via', { headers: { via: '1.1 proxy' } }],
    ['X-Real-IP', { headers: { 'X-Real-IP': '127.0.0.1' } }],
  ])('keeps out %s', async (_, request) => {
    const reply = await call(dashboard({ authorize: 'loopback' }), { ...local, ...request })
    expect(reply.status).toBe(403)
  })
})

describe('a change', () => {
  test('is made by a page of the same origin with its token', async () => {
    const { change, drained } = scene()
    const reply = await change('endpoints/change', drain)
    expect([reply.status, await reply.json()]).toEqual([200, { id: 'a', state: 'draining', weight: 0 }])
    expect(drained).toEqual(['a'])
  })

  test('goes by Sec-Fetch-Site where the scheme is another one behind a proxy', async () => {
    const { change, drained } = scene()
    await change('endpoints/change', drain, { origin: 'https://gateway.example', 'sec-fetch-site': 'same-origin' })
    expect(drained).toEqual(['a'])
  })

  test.each<[string, number, Readonly<Record<string, string>>]>([
    ['of another origin', 403, { origin: 'https://attacker.example' }],
    ['of another scheme', 403, { origin: 'https://gateway.example' }],
    ['of another port', 403, { origin: 'http://gateway.example:8081' }],
    ['of an origin that hides', 403, { origin: 'null' }],
    ['of another site', 403, { 'sec-fetch-site': 'cross-site' }],
    ['of the same site', 403, { 'sec-fetch-site': 'same-site' }],
    ['that the user is said to have typed', 403, { 'sec-fetch-site': 'none' }],
    ['with no token', 403, { 'x-csrf-token': '' }],
    ['with a token of nobody', 403, { 'x-csrf-token': 'A'.repeat(43) }],
    ['as a form', 415, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['as text', 415, { 'content-type': 'text/plain' }],
  ])('%s is refused', async (_, status, headers) => {
    const { change, drained, weights } = scene()
    expect((await change('endpoints/change', drain, headers)).status).toBe(status)
    expect([...drained, ...weights]).toEqual([])
  })

  test('that says no origin is refused', async () => {
    const { page, token, drained } = scene()
    const headers = { host: own.host, 'x-csrf-token': await token() }
    const reply = await call(page, { method: 'POST', url: '/api/v1/endpoints/change', headers, json: drain })
    expect(reply.status).toBe(403)
    expect(drained).toEqual([])
  })

  test('with the token of another dashboard, or of another user, is refused', async () => {
    const { page, token, change, drained } = scene()
    expect((await change('endpoints/change', drain, { 'x-csrf-token': await scene().token() })).status).toBe(403)
    const headers = { ...own, 'x-csrf-token': await token() }
    const state = { principal: { subject: 'ada' } }
    const reply = await call(page, { method: 'POST', url: '/api/v1/endpoints/change', headers, json: drain }, { state } as never)
    expect(reply.status).toBe(403)
    expect(drained).toEqual([])
  })

  test.each(['GET', 'HEAD'])('by %s is refused, whatever the query says', async (method) => {
    const { page, token, drained, purged } = scene()
    const headers = { ...own, 'x-csrf-token': await token() }
    for (const place of ['endpoints/change?balancer=users&id=a&action=drain', 'caches/purge?cache=pages&what=all']) {
      const reply = await call(page, { method, url: `/api/v1/${place}`, headers })
      expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST'])
    }
    expect([...drained, ...purged]).toEqual([])
  })

  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'QUERY'])('by %s is refused', async (method) => {
    const { page, token, drained } = scene()
    const headers = { ...own, 'x-csrf-token': await token() }
    expect((await call(page, { method, url: '/api/v1/endpoints/change', headers, json: drain })).status).toBe(405)
    expect(drained).toEqual([])
  })

  test.each(['POST', 'DELETE'])('by %s of what is only shown is refused', async (method) => {
    const { page, token } = scene()
    const headers = { ...own, 'x-csrf-token': await token() }
    for (const url of ['/', '/app.js', '/api/v1/overview', '/api/v1/session']) {
      const reply = await call(page, { method, url, headers, json: {} })
      expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    }
  })
})

describe('what is read', () => {
  test.each(['cross-site', 'same-site'])('is not for pages of others: %s', async (site) => {
    const { read } = scene()
    expect((await read('overview', { headers: { 'sec-fetch-site': site } })).status).toBe(403)
  })

  test.each(['/', '/app.css', '/uplot.js', '/api/v1/overview', '/nothing', '/api/v1/endpoints/change'])(
    '%s says that it is for no frame, no cache and nobody else',
    async (url) => {
      const { headers } = await call(scene().page, url)
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/)
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toContain('no-store')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('access-control-allow-origin')).toBeUndefined()
    },
  )

  test.each([
    '/../package.json',
    '/page%2fapp.js',
    '/%2e%2e/secret',
    '/api/v1/../../etc/passwd',
    '/constructor',
    '/__proto__',
    '/api/v1/constructor',
    '/api/v1/__proto__',
    '/api/v2/overview',
    '/api/v1/overview/',
    '/index.html/x',
  ])('%s is not there', async (url) => {
    const { page } = scene()
    const reply = await call(page, { url, paths: { encodedSlash: true } })
    expect(reply.status).toBe(404)
  })

  test('handshakes are refused', async () => {
    expect((await call(scene().page, { url: '/api/v1/tail', kind: 'upgrade' })).status).toBe(400)
  })
})
