import { auth, type SessionOptions, session, type Verdict } from '@gatelet/auth'
import { chain, empty } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { CompactEncrypt } from 'jose'
import { describe, expect, test } from 'vitest'
import { contextOf, hello, replyOf } from '../fakes.ts'

const secret = 'a secret of at least 32 characters'
const other = 'another secret of 32 characters...'
const minute = 60_000

function setup(options: Partial<SessionOptions> = {}) {
  const clock = virtualClock()
  const make = (more: Partial<SessionOptions> = {}) => session({ secrets: secret, clock, ...options, ...more })
  const sessions = make()
  const verdictOn = async (cookie: string | undefined, verifier = sessions): Promise<Verdict> =>
    verifier.verify(contextOf(cookie === undefined ? {} : { cookie }))
  return { clock, make, sessions, verdictOn }
}

/** What a browser sends back. */
const sentBack = (setCookie: string) => setCookie.slice(0, setCookie.indexOf(';'))
const cookieOf = (verdict: Verdict) =>
  ('replyHeaders' in verdict ? verdict.replyHeaders : undefined)?.find(([name]) => name === 'set-cookie')?.[1]

const ada = { subject: 'ada', issuer: 'https://id.example.com', scopes: ['read'], roles: ['admin'], claims: { tenant: 'a' } }

describe('a session', () => {
  test('says who began it, and nothing else can read it', async () => {
    const { clock, sessions, verdictOn } = setup()
    const cookie = await sessions.create(ada)
    expect(await verdictOn(`theme=dark; ${sentBack(cookie)}; __Host-session2=x`)).toEqual({
      kind: 'proved',
      principal: {
        ...ada,
        scheme: 'session',
        scopes: new Set(['read']),
        roles: new Set(['admin']),
        expiresAt: clock.date() + 720 * minute,
      },
    })
    expect(Buffer.from(cookie.split('.')[3] ?? '', 'base64url').toString('latin1')).not.toContain('ada')
  })

  test('is set so that no script, no other host and no plain connection gets it', async () => {
    const { make } = setup()
    const attributes = async (options: Partial<SessionOptions>) => {
      const cookie = await make(options).create({ subject: 'ada' })
      return cookie.replace(/=[^;]*/, '=…')
    }
    expect(await attributes({})).toBe('__Host-session=…; Max-Age=1800; Path=/; HttpOnly; Secure; SameSite=Lax')
    expect(await attributes({ secure: false, idleMs: minute })).toBe('session=…; Max-Age=60; Path=/; HttpOnly; SameSite=Lax')
    expect(await attributes({ path: '/app', domain: 'example.com', sameSite: 'none', name: '__Secure-s' })).toBe(
      '__Secure-s=…; Max-Age=1800; Path=/app; Domain=example.com; HttpOnly; Secure; SameSite=None',
    )
    expect(make({ sameSite: 'strict' }).clear()).toBe('__Host-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Strict')
  })

  test('is absent without its cookie, and with one that was cleared', async () => {
    const { verdictOn } = setup()
    for (const cookie of [undefined, 'a=b', '__host-session=x', '__Host-session=', '__Host-session'])
      expect(await verdictOn(cookie)).toEqual({ kind: 'absent' })
  })

  test('that nobody uses is over after a while', async () => {
    const { clock, sessions, verdictOn } = setup({ idleMs: 10 * minute })
    const cookie = sentBack(await sessions.create(ada))
    await clock.advance(10 * minute - 1)
    expect(await verdictOn(cookie)).toMatchObject({ kind: 'proved' })
    await clock.advance(1)
    const verdict = await verdictOn(cookie)
    expect(verdict).toMatchObject({ kind: 'refused', status: 401, reason: 'idle' })
    expect(cookieOf(verdict)).toBe(sessions.clear())
  })

  test('is renewed while it is used, and is over all the same after a fixed time', async () => {
    const { clock, sessions, verdictOn } = setup({ idleMs: 10 * minute, absoluteMs: 30 * minute })
    let cookie = sentBack(await sessions.create(ada))
    let renewals = 0
    for (let minutes = 0; minutes < 30; minutes++) {
      const verdict = await verdictOn(cookie)
      expect(verdict).toMatchObject({ kind: 'proved', principal: { subject: 'ada' } })
      const renewed = cookieOf(verdict)
      if (renewed) {
        renewals++
        cookie = sentBack(renewed)
        expect(renewed).toContain(`; Max-Age=${Math.min(10, 30 - minutes) * 60};`)
      }
      await clock.advance(minute)
    }
    // Each time a quarter of the ten minutes was over.
    expect(renewals).toBe(9)
    expect(await verdictOn(cookie)).toMatchObject({ kind: 'refused', reason: 'expired' })
  })

  test('ends with what proved who it is', async () => {
    const { clock, sessions, verdictOn } = setup()
    const cookie = await sessions.create({ ...ada, expiresAt: clock.date() + minute })
    expect(cookie).toContain('; Max-Age=60;')
    await clock.advance(minute)
    expect(await verdictOn(sentBack(cookie))).toMatchObject({ reason: 'expired' })
  })

  test('begun with an older secret goes on, and gets the new one', async () => {
    const { make, sessions, verdictOn } = setup()
    const cookie = sentBack(await sessions.create(ada))
    const rotated = make({ secrets: [other, secret] })
    const verdict = await verdictOn(cookie, rotated)
    expect(verdict).toMatchObject({ kind: 'proved', principal: { subject: 'ada' } })
    const renewed = sentBack(cookieOf(verdict) ?? '')
    expect(await verdictOn(renewed, make({ secrets: other }))).toMatchObject({ kind: 'proved' })
    expect(await verdictOn(cookie, make({ secrets: other }))).toMatchObject({ reason: 'malformed' })
  })

  test('can be ended elsewhere', async () => {
    const { clock, make, sessions, verdictOn } = setup()
    const cookie = sentBack(await sessions.create(ada))
    const asked: unknown[] = []
    const saying = (answer: unknown) =>
      make({
        isRevoked: (info, { subject }) => {
          asked.push([info, subject])
          return (typeof answer === 'function' ? answer() : answer) as boolean
        },
      })
    expect(await verdictOn(cookie, saying(false))).toMatchObject({ kind: 'proved' })
    expect(await verdictOn(cookie, saying(Promise.resolve(false)))).toMatchObject({ kind: 'proved' })
    for (const answer of [true, Promise.resolve(true), undefined])
      expect(await verdictOn(cookie, saying(answer))).toMatchObject({ kind: 'refused', reason: 'revoked' })
    expect(
      await verdictOn(
        cookie,
        saying(() => Promise.reject(new Error('away'))),
      ),
    ).toMatchObject({ kind: 'unavailable' })
    const info = { id: expect.stringMatching(/^[\w-]{22}$/), createdAt: clock.date() }
    expect(asked[0]).toEqual([info, 'ada'])
  })

  test('that is too large for browsers is not begun', async () => {
    const { sessions } = setup()
    await expect(sessions.create({ subject: 'ada', claims: { text: 'x'.repeat(4_000) } })).rejects.toMatchObject({
      code: 'BAD_HEADER',
      message: expect.stringMatching(/has \d+ bytes, of which browsers keep 4096: keep fewer claims/),
    })
  })
})

describe('is refused:', () => {
  test('a cookie that is there twice, of whomever', async () => {
    const { sessions, verdictOn } = setup()
    const [mine, theirs] = [sentBack(await sessions.create(ada)), sentBack(await sessions.create({ subject: 'eve' }))]
    expect(await verdictOn(`${theirs}; ${mine}`)).toEqual({ kind: 'refused', status: 400, reason: 'several-cookies' })
  })

  test('one that was made for another cookie with the same secret', async () => {
    const { make, sessions, verdictOn } = setup()
    const cookie = sentBack(await sessions.create(ada)).replace('__Host-session', 'admin')
    expect(await verdictOn(cookie, make({ name: 'admin' }))).toMatchObject({ reason: 'malformed' })
  })

  test('what somebody else has encrypted, or in another way', async () => {
    const { sessions, verdictOn } = setup()
    const cookie = sentBack(await sessions.create(ada))
    const kid = JSON.parse(Buffer.from(cookie.split('=')[1]?.split('.')[0] ?? '', 'base64url').toString()).kid as string
    const content = Buffer.from(JSON.stringify({ id: 'x', createdAt: 0, seenAt: 0, who: { subject: 'eve' } }))
    const made = (header: object, key: Uint8Array) =>
      new CompactEncrypt(content).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ...header }).encrypt(key)
    const texts = [
      await made({ kid }, new Uint8Array(32)),
      await made({}, Buffer.from(secret).subarray(0, 32)),
      await made({ kid, enc: 'A128CBC-HS256' }, new Uint8Array(32)),
      await made({ kid, zip: 'DEF' }, new Uint8Array(32)).catch(() => 'x.x.x.x.x'),
      cookie.slice(15).replace(/\.[^.]*$/, ''),
      `${cookie.slice(15)}.x`,
      'x'.repeat(5_000),
      'eyJhbGciOiJub25lIn0.e30.',
    ]
    for (const text of texts) {
      const verdict = await verdictOn(`__Host-session=${text}`)
      expect(verdict).toMatchObject({ kind: 'refused', status: 401, reason: 'malformed' })
      expect(cookieOf(verdict)).toBe(sessions.clear())
    }
  })

  test('a cookie of which one character is another', async () => {
    const { sessions, verdictOn } = setup()
    const value = sentBack(await sessions.create(ada)).slice('__Host-session='.length)
    const changed = fc
      .tuple(fc.nat(value.length - 1), fc.integer({ min: 0x21, max: 0x7e }))
      .map(([at, code]) => value.slice(0, at) + String.fromCharCode(code) + value.slice(at + 1))
      .filter((text) => text !== value && !text.includes(';'))
    const isRefused = async (text: string) => (await verdictOn(`__Host-session=${text}`)).kind === 'refused'
    await fc.assert(fc.asyncProperty(changed, isRefused), { seed: 7_516, numRuns: 1_000 })
    const noise = fc.string({ minLength: 1 }).map((text) => text.replace(/[^\x21-\x3a\x3c-\x7e]/g, '.'))
    await fc.assert(fc.asyncProperty(noise, isRefused), { seed: 7_516, numRuns: 300 })
  })

  test.each<[string, Partial<SessionOptions>]>([
    ['a name with __Host- that is not for this host alone', { name: '__Host-s', domain: 'example.com' }],
    ['a name with __Host- under a path', { name: '__Host-s', path: '/app' }],
    ['a name with __Secure- without https', { name: '__Secure-s', secure: false }],
    ['cookies for other sites without https', { sameSite: 'none', secure: false }],
    ['an idle time beyond the end', { idleMs: 2 * minute, absoluteMs: minute }],
  ])('%s, when the program starts', (_, options) => {
    expect(() => session({ secrets: secret, ...options })).toThrow(/ must be .+ \(got .+\)$/)
  })
})

test('logging out is not undone by a renewal of the same reply', async () => {
  const { clock, sessions } = setup()
  const cookie = sentBack(await sessions.create(ada))
  await clock.advance(20 * minute)
  const layer = auth(sessions)
  const cookiesOf = async (handler: typeof hello) =>
    (await replyOf(chain().use(layer).to(handler), contextOf({ cookie }))).headers.getSetCookie()
  expect(await cookiesOf(() => empty({ headers: { 'set-cookie': sessions.clear() } }))).toEqual([sessions.clear()])
  expect(await cookiesOf(hello)).toEqual([expect.stringMatching(/^__Host-session=ey.*Max-Age=1800/)])
})

test('a renewed cookie is for no shared cache', async () => {
  const { clock, sessions } = setup()
  const cookie = sentBack(await sessions.create(ada))
  await clock.advance(20 * minute)
  const reply = await replyOf(chain().use(auth(sessions)).to(hello), contextOf({ cookie }))
  expect(reply.headers.get('cache-control')).toBe('private')
})

test('who has no session is told which cookie it is', async () => {
  const reply = await replyOf(chain().use(auth(setup().sessions)).to(hello))
  expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Cookie realm="api", cookie-name="__Host-session"'])
})

test.each(['too short', ['too short']])('a secret that is too short is not shown (%j)', (secrets) => {
  expect(() => session({ secrets })).toThrow(/secrets.* must be a secret of at least 32 characters or bytes \(got "string"\)/)
})
