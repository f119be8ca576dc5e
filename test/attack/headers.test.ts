import { chain, HeaderList, type Middleware, text } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { fronts } from './support/fronts.ts'
import { message, room, statuses } from './support/room.ts'

// Which header fields reach the upstream, and which come back.

/** What an authentication layer does: takes off what the client claims, in every spelling, and says who it is. */
const asserting: Middleware = (ctx, next) => {
  const headers = new HeaderList([...ctx.request.headers].filter(([name]) => !/^x[-_.]user$/i.test(name)))
  return next(ctx.withRequest({ headers: headers.set('x-user', 'alice') }))
}

describe.each(fronts)('on $name', (front) => {
  async function seen(fields: readonly string[], line = 'GET /x', body = '') {
    await using scene = await room({ front, layers: (forward) => chain().use(asserting).to(forward) })
    expect(statuses(await scene.ask(message(line, fields, body)))).toEqual([200])
    const [request] = scene.upstream.requests
    if (!request) throw new Error('the upstream was not asked')
    return request
  }

  test('what the client nominates goes before the gateway adds its own', async () => {
    const { all } = await seen(['Connection: close, x-user, x-secret', 'X-User: mallory', 'X-Secret: 1'])
    expect(all('x-user')).toEqual(['alice'])
    expect(all('x-secret')).toEqual([])
  })

  test('nobody can nominate away what frames and addresses the message, or what the gateway says of the client', async () => {
    const nominated =
      'Connection: close, authorization, x-forwarded-for, x-forwarded-host, host, content-length, cookie, content-type'
    const request = await seen(
      [nominated, 'Content-Length: 5', 'Content-Type: text/plain', 'Authorization: Bearer x', 'Cookie: a=b'],
      'POST /x',
      'hello',
    )
    expect(request.body).toBe('hello')
    expect(request.all('content-length')).toEqual(['5'])
    expect(request.all('host')).toHaveLength(1)
    expect(request.all('x-forwarded-for')).toEqual(['127.0.0.1'])
    expect(request.all('x-forwarded-host')).toEqual(['a.test'])
    expect(request.all('x-user')).toEqual(['alice'])
    // These it may: they were its own.
    expect([request.all('authorization'), request.all('cookie')]).toEqual([[], []])
  })

  test('what concerns one connection does not pass on; of TE, trailers does', async () => {
    const fields = ['Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic eA==']
    const more = ['Proxy-Authenticate: Basic', 'TE: gzip, trailers', 'Trailer: x', 'Upgrade: h2c']
    const { fields: all } = await seen([...fields, ...more, 'Connection: close, te, keep-alive'])
    const names = all.map(([name]) => name).filter((name) => /^(keep-alive|proxy-.*|te|trailer|upgrade)$/.test(name))
    expect(names.filter((name) => name !== 'te')).toEqual([])
    expect(all.filter(([name]) => name === 'te')).toEqual([['te', 'trailers']])
  })

  test('a claim of the client about who it is does not get past, in any spelling', async () => {
    const { fields } = await seen(['X-User: mallory', 'x-user: mallory', 'X_User: mallory', 'x.user: mallory'])
    expect(fields.filter(([name]) => /^x.user$/.test(name))).toEqual([['x-user', 'alice']])
  })

  test('what only proxies say is ours alone when the peer is trusted by nobody', async () => {
    const { fields } = await seen([
      ...['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.test', 'X-Forwarded-Port: 666'],
      ...[
        'X-Forwarded-Prefix: /evil',
        'Forwarded: for=6.6.6.6',
        'X-Real-IP: 6.6.6.6',
        'X_Forwarded_For: 6.6.6.6',
        'X.Real.IP: 6.6.6.6',
      ],
    ])
    expect(fields.filter(([name]) => /forwarded|real/.test(name))).toEqual([
      ['x-forwarded-for', '127.0.0.1'],
      ['x-forwarded-proto', 'http'],
      ['x-forwarded-host', 'a.test'],
    ])
  })

  test('an upgrade to h2c is not passed on: the request is a plain one', async () => {
    const { fields } = await seen(['Connection: Upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'])
    expect(fields.filter(([name]) => /upgrade|http2|^connection$/.test(name)).map(([name]) => name)).not.toContain('upgrade')
    expect(fields.map(([name]) => name)).not.toContain('http2-settings')
  })

  test('what the upstream nominates does not reach the client', async () => {
    const answer = () =>
      'HTTP/1.1 200 OK\r\nConnection: x-internal\r\nX-Internal: 10.0.0.1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nok'
    await using scene = await room({ front, answer })
    const { responses } = await scene.ask(message('GET /x'))
    const names = [...(responses[0]?.headers ?? [])].map(([name]) => name.toLowerCase())
    expect(names.filter((name) => /^x-internal$|^proxy-authenticate$/.test(name))).toEqual([])
    expect(responses[0]?.headers.get('keep-alive')).not.toBe('timeout=5')
  })

  test('a redirect to another host is told, not followed; nobody is asked again', async () => {
    const answer = () => 'HTTP/1.1 302 Found\r\nLocation: http://evil.test/x\r\nContent-Length: 0\r\n\r\n'
    await using scene = await room({ front, answer })
    const { responses } = await scene.ask(message('GET /x', ['Authorization: Bearer x']))
    expect(responses.map(({ status, headers }) => [status, headers.get('location')])).toEqual([[302, 'http://evil.test/x']])
    expect(scene.upstream.lines).toEqual(['GET /x'])
  })

  test.each(['a\r\nX-Evil: 1', 'a\nb', 'a\0b', 'a\rb'])(
    'a layer that sets the header value %j fails whole: 500, and nothing half sent',
    async (value) => {
      const careless: Middleware = async (ctx, next) => {
        const reply = await next(ctx)
        reply.headers.set('x-made', value)
        return reply
      }
      await using scene = await room({ front, layers: (forward) => chain().use(careless).to(forward) })
      const reply = await scene.ask(message('GET /x'))
      expect(statuses(reply)).toEqual([500])
      expect(reply.text).not.toContain('X-Evil')
    },
  )

  test.each(['a\r\nX-Evil: 1', 'a\0b'])(
    'a layer that asks with the header value %j fails whole: 500, and no upstream asked',
    async (value) => {
      const careless: Middleware = (ctx, next) => next(ctx.withRequest({ headers: HeaderList.fromRaw(['x-made', value]) }))
      await using scene = await room({ front, layers: (forward) => chain().use(careless).to(forward) })
      expect(statuses(await scene.ask(message('GET /x')))).toEqual([500])
      expect(scene.upstream.lines).toEqual([])
    },
  )

  test('a gzip bomb passes as the bytes that it is: nothing is unpacked', async () => {
    const { gzipSync } = await import('node:zlib')
    const bomb = gzipSync(Buffer.alloc(10_000_000)).toString('latin1')
    const request = await seen(['Content-Encoding: gzip', `Content-Length: ${bomb.length}`], 'POST /x', bomb)
    expect(request.body).toBe(bomb)
  })
})

describe('a chain of X-Forwarded-For', () => {
  const trusting = { serve: { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] } }

  test.each([
    ['the client behind trusted proxies', '1.2.3.4, 10.0.0.9', '1.2.3.4'],
    ['what a client wrote before a trusted proxy added its own', '6.6.6.6, 1.2.3.4, 10.0.0.9', '1.2.3.4'],
    ['a port', '1.2.3.4:5678', '1.2.3.4'],
    ['brackets', '[2001:db8::1]:80', '2001:db8::1'],
    ['garbage in the place of the client', '1.2.3.4, garbage', '127.0.0.1'],
    ['unknown', '1.2.3.4, unknown', '127.0.0.1'],
    ['an obfuscated name', '1.2.3.4, _x', '127.0.0.1'],
    ['garbage behind which nobody looks', 'garbage, 1.2.3.4', '1.2.3.4'],
    ['an address of IPv4 written as IPv6', '::ffff:1.2.3.4', '1.2.3.4'],
  ])('with %s: %s is %s', async (_, chainOf, address) => {
    const who: Middleware = (ctx) => text(ctx.request.client.address)
    await using scene = await room({ ...trusting, layers: (forward) => chain().use(who).to(forward) })
    const { responses } = await scene.ask(message('GET /x', [`X-Forwarded-For: ${chainOf}`]))
    expect(responses[0]?.text).toBe(address)
  })

  test.each([
    ['is continued for a proxy that is trusted', trusting, '1.2.3.4, 127.0.0.1'],
    ['begins anew for all others', {}, '127.0.0.1'],
  ])('%s', async (_, options, passed) => {
    await using scene = await room(options)
    await scene.ask(message('GET /x', ['X-Forwarded-For: 1.2.3.4']))
    expect(scene.upstream.requests[0]?.all('x-forwarded-for')).toEqual([passed])
  })

  test('of 500 hops is walked or cut, and the request answered', async () => {
    await using scene = await room(trusting)
    const hops = Array.from({ length: 500 }, (_, at) => `10.0.${at >> 8}.${at & 255}`).join(', ')
    expect(statuses(await scene.ask(message('GET /x', [`X-Forwarded-For: ${hops}`])))).toEqual([200])
    expect(scene.upstream.requests[0]?.all('x-forwarded-for')).toHaveLength(1)
  })
})
