import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { absent, auth, type ExternalAuthOptions, externalAuth, firstOf, type Verdict, type Verifier } from '@gatelet/auth'
import { type Context, chain, HeaderList } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { contextOf, hello, replyOf } from '../fakes.ts'

interface Asked {
  readonly method: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

type Answer = (res: ServerResponse, asked: Asked) => unknown

const permits: Answer = (res) =>
  res.writeHead(200, { 'remote-user': 'ada', 'remote-groups': 'admin, staff', 'remote-mail': 'a@b.c' }).end()

/** An authoriser that answers as it is told to, and keeps what it was asked. */
async function authoriser(answer: Answer = permits) {
  const asked: Asked[] = []
  const state = { answer }
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    asked.push({ method: req.method, headers: req.headers, body })
    state.answer(res, asked.at(-1) as Asked)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/verify`
  const verifier = (more: Partial<ExternalAuthOptions> = {}) =>
    externalAuth({ url, identify: { subject: 'remote-user', roles: 'remote-groups', claims: { mail: 'remote-mail' } }, ...more })
  return { asked, state, url, verifier }
}

const saying =
  (status: number, headers: Record<string, string | string[]> = {}, body = ''): Answer =>
  (res) =>
    res.writeHead(status, headers).end(body)

const url = { scheme: 'https', host: 'api.example.com', port: 8443, path: '/orders/7', search: '?x=1' } as const
const ctxOf = (headers: Record<string, string> = {}, change = {}): Context =>
  contextOf(headers, { url, method: 'DELETE', ...change })
const judge = async (verifier: Verifier, ctx: Context = ctxOf()): Promise<Verdict> => verifier.verify(ctx)

describe('what it asks', () => {
  test('tells of the request, and of the client only what is allowed', async () => {
    const { asked, verifier } = await authoriser()
    const headers = {
      authorization: 'Bearer x',
      cookie: 'a=1',
      'x-secret': 's',
      'remote-user': 'root',
      'x-forwarded-uri': '/public',
      'x-forwarded-for': '203.0.113.9',
      x_forwarded_method: 'GET',
    }
    await judge(verifier(), ctxOf(headers))
    expect(asked[0]).toMatchObject({
      method: 'GET',
      body: '',
      headers: {
        authorization: 'Bearer x',
        cookie: 'a=1',
        'x-forwarded-method': 'DELETE',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'api.example.com:8443',
        'x-forwarded-uri': '/orders/7?x=1',
        'x-forwarded-for': '192.0.2.1',
      },
    })
    for (const name of ['x-secret', 'remote-user', 'x_forwarded_method']) expect(asked[0]?.headers).not.toHaveProperty(name)
  })

  test('tells fields that the client sent twice as one list', async () => {
    const { asked, verifier } = await authoriser()
    const headers = new HeaderList({ cookie: 'a=1', 'x-tenant': 'a' }).append('cookie', 'b=2').append('x-tenant', 'b')
    await judge(verifier({ requestHeaders: ['Cookie', 'X-Tenant'] }), ctxOf().withRequest({ headers }))
    expect(asked[0]?.headers).toMatchObject({ cookie: 'a=1; b=2', 'x-tenant': 'a, b' })
  })

  test.each([['remote-user'], ['Remote_User'], ['REMOTE.groups'], ['X-Forwarded-Uri'], ['x_forwarded_for']])(
    'refuses at the start to tell %s, which is for the authoriser to say',
    (name) => {
      const options = { url: 'http://127.0.0.1:9', identify: { subject: 'remote-user', roles: 'remote-groups' } }
      expect(() => externalAuth({ ...options, requestHeaders: [name] })).toThrow(/requestHeaders\[0\] must be a field that only/)
    },
  )

  test('a body stays where it is, unless it is to be told; then what stands behind gets it, too', async () => {
    const { asked, verifier } = await authoriser()
    const ctx = () => ctxOf({ 'content-type': 'application/json', 'content-length': '7' }, { body: '{"a":1}' })
    expect(await judge(verifier(), ctx())).not.toHaveProperty('body')
    const verdict = await judge(verifier({ bodyBytes: 7 }), ctx())
    expect(Buffer.from((verdict as { body: Uint8Array }).body).toString()).toBe('{"a":1}')
    expect(asked.map(({ method, body, headers }) => [method, body, headers['content-type']])).toEqual([
      ['GET', '', undefined],
      ['POST', '{"a":1}', 'application/json'],
    ])
  })

  test('a body that is too large is answered 413, and nobody is asked', async () => {
    const { asked, verifier } = await authoriser()
    const layer = chain()
      .use(auth(verifier({ bodyBytes: 6 })))
      .to(hello)
    expect((await replyOf(layer, ctxOf({ 'content-length': '7' }, { body: '{"a":1}' }))).status).toBe(413)
    expect(asked).toEqual([])
  })
})

describe('what becomes of its answer', () => {
  test('2xx proves whom it names', async () => {
    const { verifier } = await authoriser()
    const { principal } = (await judge(verifier())) as Extract<Verdict, { kind: 'proved' }>
    expect({ ...principal, roles: [...principal.roles] }).toMatchObject({
      subject: 'ada',
      scheme: 'external',
      roles: ['admin', 'staff'],
      claims: { mail: 'a@b.c' },
    })
  })

  test('a function may read it, too', async () => {
    const { verifier } = await authoriser(saying(204, { 'x-user': 'bob' }))
    const identify = (answer: Headers) => ({ subject: answer.get('x-user') ?? '', claims: { by: 'function' } })
    expect(await judge(verifier({ identify }))).toMatchObject({ principal: { subject: 'bob', claims: { by: 'function' } } })
  })

  test.each([401, 403] as const)(
    '%i refuses, with its challenge and what is allowed of its fields, without its body',
    async (status) => {
      const fields = { 'www-authenticate': 'Negotiate', 'set-cookie': ['a=1', 'b=2'], 'x-internal': 'x', location: 'https://id/' }
      const { verifier } = await authoriser(saying(status, fields, 'secrets of the authoriser'))
      const reply = await replyOf(
        chain()
          .use(auth(verifier({ refusals: { headers: ['set-cookie', 'location'] } })))
          .to(hello),
      )
      expect([reply.status, reply.headers.getAll('www-authenticate'), reply.headers.getSetCookie()]).toEqual([
        status,
        ['Negotiate'],
        ['a=1', 'b=2'],
      ])
      expect([reply.headers.has('x-internal'), reply.headers.has('location')]).toEqual([false, false])
      expect(reply.body).not.toContain('secrets')
    },
  )

  test('among other ways in it challenges by its own words alone', async () => {
    const { verifier } = await authoriser(saying(401, { 'www-authenticate': 'Negotiate' }))
    const other: Verifier = { challenges: [{ scheme: 'Basic', params: {} }], verify: () => absent }
    const reply = await replyOf(
      chain()
        .use(auth(firstOf(other, verifier())))
        .to(hello),
    )
    expect(reply.headers.getAll('www-authenticate')).toEqual(['Negotiate'])
  })

  test('a 401 without a challenge is given one', async () => {
    const { verifier } = await authoriser(saying(401))
    const reply = await replyOf(chain().use(auth(verifier())).to(hello))
    expect(reply.headers.getAll('www-authenticate')).toEqual(['Bearer realm="api"'])
    const page = await replyOf(
      chain()
        .use(auth((await authoriser(saying(401, {}, 'x'))).verifier({ refusals: { body: true } })))
        .to(hello),
    )
    expect([page.body, page.headers.getAll('www-authenticate')]).toEqual(['x', ['Bearer realm="api"']])
  })

  test('its page is passed on where that is allowed', async () => {
    const { verifier } = await authoriser(saying(403, { 'content-type': 'text/html' }, '<p>no</p>'))
    const reply = await replyOf(
      chain()
        .use(auth(verifier({ refusals: { body: true } })))
        .to(hello),
    )
    expect([reply.status, reply.headers.get('content-type'), reply.body]).toEqual([403, 'text/html', '<p>no</p>'])
  })

  test.each([301, 302, 303, 307, 308])(
    '%i leads to the page for logging in where that is allowed, else it is a 401',
    async (status) => {
      const { verifier } = await authoriser(saying(status, { location: 'https://id.example.com/login', 'set-cookie': 'state=1' }))
      const answer = (refusals: ExternalAuthOptions['refusals']) =>
        replyOf(
          chain()
            .use(auth(verifier({ refusals: refusals ?? {} })))
            .to(hello),
        )
      const led = await answer({ redirects: true, headers: ['set-cookie'] })
      expect([led.status, led.headers.get('location'), led.headers.get('set-cookie'), led.body]).toEqual([
        status,
        'https://id.example.com/login',
        'state=1',
        null,
      ])
      const told = await answer(undefined)
      expect([told.status, told.headers.has('location')]).toEqual([401, false])
    },
  )

  test.each<[string, Answer]>([
    ['500', saying(500)],
    ['503', saying(503)],
    ['400', saying(400)],
    ['404', saying(404)],
    ['304', saying(304)],
    ['nobody named', saying(200)],
    ['an empty name', saying(200, { 'remote-user': '' })],
    ['too much', saying(200, { 'remote-user': 'ada' }, 'x'.repeat(70_000))],
    ['a broken connection', (res) => res.destroy()],
    [
      'half an answer',
      (res) => res.writeHead(200, { 'remote-user': 'ada', 'content-length': '9' }).write('x', () => res.destroy()),
    ],
    ['a redirect without a place', saying(302)],
  ])('%s lets nobody through', async (name, answer) => {
    const { verifier } = await authoriser(answer)
    const reply = await replyOf(
      chain()
        .use(auth(verifier({ refusals: { redirects: true } }), { optional: true }))
        .to(hello),
    )
    expect(reply.status).toBe(name === 'a redirect without a place' ? 401 : 503)
  })

  test('nor does one that fails to be read, one that cannot be reached, and one that is late', async () => {
    const { verifier, asked } = await authoriser()
    const fails = () => {
      throw new Error('cannot read')
    }
    expect(await judge(verifier({ identify: fails }))).toMatchObject({ kind: 'unavailable' })
    expect(await judge(verifier({ url: 'http://127.0.0.1:9/' }))).toMatchObject({ kind: 'unavailable', reason: 'no-authoriser' })
    const clock = virtualClock()
    const late = await authoriser(() => {})
    const answer = judge(late.verifier({ clock, timeoutMs: 1_000 }))
    await expect.poll(() => late.asked.length).toBe(1)
    await clock.advance(1_000)
    expect(await answer).toMatchObject({ kind: 'unavailable' })
    expect(asked).toHaveLength(1)
  })

  test('a cookie that it renews is set where that is allowed', async () => {
    const { verifier } = await authoriser(saying(200, { 'remote-user': 'ada', 'set-cookie': 's=2' }))
    expect(await judge(verifier({ refusals: { headers: ['set-cookie'] } }))).toMatchObject({
      replyHeaders: [['set-cookie', 's=2']],
    })
    expect(await judge(verifier())).not.toHaveProperty('replyHeaders')
  })
})

describe('how often it asks', () => {
  test('permissions are believed for a time, for the same words', async () => {
    const { asked, verifier } = await authoriser()
    const clock = virtualClock()
    const one = verifier({ clock, cacheMs: 1_000 })
    const ada = () => judge(one, ctxOf({ authorization: 'a' }))
    const first = await ada()
    expect(await ada()).toBe(first)
    for (const other of [
      ctxOf({ authorization: 'b' }),
      ctxOf({ authorization: 'a', cookie: '' }),
      ctxOf({ authorization: 'a' }, { method: 'GET' }),
      ctxOf({ authorization: 'a' }, { url: { ...url, path: '/admin' } }),
      ctxOf({ authorization: 'a' }, { url: { ...url, search: '' } }),
      ctxOf({ authorization: 'a' }, { client: { address: '192.0.2.2', peer: '192.0.2.2', viaTrustedProxy: false } }),
    ])
      await judge(one, other)
    expect(asked).toHaveLength(7)
    await clock.advance(1_000)
    await ada()
    expect(asked).toHaveLength(8)
  })

  test('refusals for a time of their own, failures never', async () => {
    const { asked, verifier, state } = await authoriser(saying(403))
    const one = verifier({ cacheMs: 10_000, negativeCacheMs: 5_000, clock: virtualClock() })
    await judge(one)
    await judge(one)
    expect(asked).toHaveLength(1)
    state.answer = saying(500)
    const other = () => judge(one, ctxOf({ authorization: 'b' }))
    await other()
    await other()
    expect(asked).toHaveLength(3)
  })

  test('never beyond the end of the permission', async () => {
    const { asked, verifier } = await authoriser()
    const clock = virtualClock({ date: 1_000_000 })
    const one = verifier({ clock, cacheMs: 60_000, identify: () => ({ subject: 'ada', expiresAt: 1_001_000 }) })
    await judge(one)
    await clock.advance(1_000)
    await judge(one)
    expect(asked).toHaveLength(2)
  })

  test('not remembered unless that was said; requests in the same words that come together wait for one answer', async () => {
    const { asked, verifier } = await authoriser()
    const one = verifier()
    await Promise.all(Array.from({ length: 20 }, () => judge(one)))
    expect(asked).toHaveLength(1)
    await judge(one)
    expect(asked).toHaveLength(2)
  })

  test('what sets a cookie is for one client alone, also of those that wait together', async () => {
    let at = 0
    const { asked, verifier } = await authoriser((res) =>
      res.writeHead(302, { location: '/login', 'set-cookie': `state=${at++}` }).end(),
    )
    const one = verifier({ refusals: { redirects: true, headers: ['set-cookie'] }, negativeCacheMs: 5_000 })
    const verdicts = await Promise.all(Array.from({ length: 5 }, () => judge(one)))
    const cookies = verdicts.map((verdict) =>
      verdict.kind === 'refused' ? verdict.reply?.().headers.get('set-cookie') : undefined,
    )
    expect(new Set(cookies)).toEqual(new Set(['state=0', 'state=1', 'state=2', 'state=3', 'state=4']))
    expect(asked).toHaveLength(5)
  })

  test('each request that is refused gets a reply of its own', async () => {
    const { verifier } = await authoriser(saying(403, { 'content-type': 'text/plain' }, 'no'))
    const one = verifier({ refusals: { body: true }, negativeCacheMs: 5_000 })
    const verdict = await judge(one)
    if (verdict.kind !== 'refused') throw new Error('not refused')
    verdict.reply?.().headers.set('x-changed', '1')
    expect(verdict.reply?.().headers.has('x-changed')).toBe(false)
  })

  test('no more questions at a time than were allowed', async () => {
    const { asked, verifier } = await authoriser(() => {})
    const clock = virtualClock()
    const one = verifier({ maxPending: 2, clock })
    const waiting = [judge(one, ctxOf({ cookie: 'a' })), judge(one, ctxOf({ cookie: 'b' }))]
    expect(await judge(one, ctxOf({ cookie: 'c' }))).toMatchObject({ kind: 'unavailable', reason: 'too-many-lookups' })
    await expect.poll(() => asked.length).toBe(2)
    await clock.advance(5_000)
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(['unavailable', 'unavailable'])
  })
})

test('a verifier that refuses with a reply of success lets nobody through', async () => {
  const reply = () => ({ status: 200, headers: new HeaderList(), body: null })
  const broken = {
    challenges: [{ scheme: 'Bearer', params: {} }],
    verify: () => ({ kind: 'refused', status: 401, reason: 'x', reply }) as const,
  }
  expect((await replyOf(chain().use(auth(broken)).to(hello))).status).toBe(500)
})
