import { absent, auth, type Policy, predicate, scope, type Verdict } from '@gatelet/auth'
import { type Context, chain, GatewayError, subscribe, text } from '@gatelet/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ada, contextOf, hello, replyOf, saying } from './fakes.ts'

const proved: Verdict = { kind: 'proved', principal: ada }
const challengesOf = (reply: { headers: { getAll(name: string): readonly string[] } }) => reply.headers.getAll('www-authenticate')

describe.each([
  ['at once', false],
  ['later', true],
])('with a verifier that answers %s', (_, isLate) => {
  const answer = (verdict: Verdict, options?: Parameters<typeof auth>[1]) =>
    replyOf(
      chain()
        .use(auth(saying(verdict, 'Bearer', isLate), options))
        .to(hello),
    )

  test('who is proved gets through, and the state says who', async () => {
    const seen: unknown[] = []
    const handler = chain()
      .use(auth(saying(proved, 'Bearer', isLate)))
      .to((ctx) => {
        seen.push(ctx.state.principal)
        return hello(ctx)
      })
    expect((await replyOf(handler)).status).toBe(200)
    expect(seen).toEqual([ada])
  })

  test('who has no credential is told what to send, without an error (RFC 6750 §3)', async () => {
    const reply = await answer(absent)
    expect([reply.status, challengesOf(reply)]).toEqual([401, ['Bearer realm="api"']])
    expect(JSON.parse(reply.body as string)).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test.each([
    [400, 'BAD_CREDENTIALS'],
    [401, 'UNAUTHENTICATED'],
    [403, 'FORBIDDEN'],
  ] as const)('a credential that is not good is refused with %i, never let through', async (status, code) => {
    const challenges = [{ scheme: 'Bearer', params: { error: 'invalid_token' } }]
    const refused: Verdict = { kind: 'refused', status, reason: 'too-old', challenges, detail: 'The token has expired' }
    for (const optional of [false, true]) {
      const reply = await answer(refused, { optional })
      expect([reply.status, challengesOf(reply)]).toEqual([status, ['Bearer realm="api", error="invalid_token"']])
      expect(JSON.parse(reply.body as string)).toMatchObject({ code, detail: 'The token has expired' })
      expect(reply.body).not.toContain('too-old')
    }
  })

  test('where it cannot be said now the answer is 503, with the whole seconds to wait', async () => {
    const reply = await answer({ kind: 'unavailable', reason: 'no keys', retryAfterMs: 1_200 }, { optional: true })
    expect([reply.status, reply.headers.get('retry-after'), challengesOf(reply)]).toEqual([503, '2', []])
    expect(reply.body).not.toContain('no keys')
  })

  test('what the verifier has to tell the client is on the reply, also on one that an error became', async () => {
    const replyHeaders = [['dpop-nonce', 'n1']] as const
    const layer = auth(saying({ ...proved, replyHeaders }, 'DPoP', isLate))
    const failing = () => {
      throw new GatewayError('NO_ENDPOINT')
    }
    for (const handler of [hello, failing])
      expect((await replyOf(chain().use(layer).to(handler))).headers.get('dpop-nonce')).toBe('n1')
    const refused = await answer({ kind: 'refused', status: 401, reason: 'nonce', replyHeaders })
    expect(refused.headers.get('dpop-nonce')).toBe('n1')
  })

  test('a cookie that the handler sets is not followed by the one of the verifier', async () => {
    const replyHeaders = [['set-cookie', 'session=renewed; Path=/']] as const
    const layer = auth(saying({ ...proved, replyHeaders }, 'Cookie', isLate))
    const answer = async (cookie: string) => {
      const handler = () => text('bye', { headers: { 'set-cookie': cookie } })
      return (await replyOf(chain().use(layer).to(handler))).headers.getSetCookie()
    }
    expect(await answer('session=; Max-Age=0')).toEqual(['session=; Max-Age=0'])
    expect(await answer('session2=x')).toEqual(['session2=x', 'session=renewed; Path=/'])
  })

  test('a body that the verifier has read goes on as what it gives in its place, with the same header fields', async () => {
    const seen: unknown[] = []
    const handler = chain()
      .use(auth(saying({ ...proved, body: Buffer.from('hello') }, 'Signature', isLate)))
      .to((ctx) => {
        seen.push(String(ctx.request.body), ctx.request.headers.get('content-length'))
        return hello(ctx)
      })
    await replyOf(handler, contextOf({ 'content-length': '5' }, { body: 'read already' }))
    expect(seen).toEqual(['hello', '5'])
  })

  test('what the client did wrong while the verifier read is answered as that', async () => {
    const cause = new GatewayError('BODY_TOO_LARGE')
    expect((await answer({ kind: 'unavailable', reason: 'body', cause })).status).toBe(413)
  })

  test('a policy that denies is answered 403, with the scope that would do', async () => {
    const reply = await answer(proved, { require: scope('read', 'delete') })
    expect([reply.status, challengesOf(reply)]).toEqual([
      403,
      ['Bearer realm="api", error="insufficient_scope", scope="read delete"'],
    ])
  })

  test('a policy that fails lets nobody through', async () => {
    const reply = await answer(proved, { require: () => Promise.reject(new Error('away')) })
    expect(reply.status).toBe(500)
  })

  test('optional: who has no credential goes on without a principal', async () => {
    const seen: unknown[] = []
    const handler = chain()
      .use(auth(saying(absent, 'Bearer', isLate), { optional: true, require: () => ({ reason: 'never' }) }))
      .to((ctx) => {
        seen.push(ctx.state.principal)
        return hello(ctx)
      })
    expect((await replyOf(handler)).status).toBe(200)
    expect(seen).toEqual([undefined])
  })
})

test('a WebSocket handshake takes the same way', async () => {
  const handler = chain()
    .use(auth(saying(absent)))
    .to(hello)
  expect((await replyOf(handler, contextOf({}, { kind: 'upgrade' }))).status).toBe(401)
})

test('challenges name the realm, and for tokens where the metadata is (RFC 9728 §5.1)', async () => {
  const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource'
  const answer = (scheme: string) =>
    replyOf(
      chain()
        .use(auth(saying(absent, scheme), { realm: 'a "b" \\', resourceMetadata }))
        .to(hello),
    )
  expect(challengesOf(await answer('Bearer'))).toEqual([`Bearer realm="a \\"b\\" \\\\", resource_metadata="${resourceMetadata}"`])
  expect(challengesOf(await answer('Basic'))).toEqual(['Basic realm="a \\"b\\" \\\\"'])
})

test('tells whether it let somebody through, and why not', async () => {
  const told: unknown[] = []
  onTestFinished(subscribe('auth:decided', ({ context: _, ...decision }) => void told.push(decision)))
  const never: Policy = predicate(() => false, 'never')
  const verdicts: [Verdict, Policy?][] = [
    [proved],
    [proved, never],
    [absent],
    [{ kind: 'refused', status: 401, reason: 'expired' }],
    [{ kind: 'unavailable', reason: 'no keys' }],
  ]
  for (const [verdict, require] of verdicts)
    await replyOf(
      chain()
        .use(auth(saying(verdict), require ? { require } : {}))
        .to(hello),
    )
  const nobody = { scheme: undefined, subject: undefined }
  expect(told).toEqual([
    { outcome: 'proved', reason: undefined, scheme: 'bearer', subject: 'ada' },
    { outcome: 'denied', reason: 'never', scheme: 'bearer', subject: 'ada' },
    { outcome: 'absent', reason: undefined, ...nobody },
    { outcome: 'refused', reason: 'expired', ...nobody },
    { outcome: 'unavailable', reason: 'no keys', ...nobody },
  ])
})

test('makes no promise where the verifier answers at once', () => {
  expect(auth(saying(proved))(contextOf() as Context<{}>, hello)).not.toBeInstanceOf(Promise)
})

test.each([undefined, {}, { verify() {} }, { verify() {}, challenges: [] }])('refuses %j as a verifier', (verifier) => {
  expect(() => auth(verifier as never)).toThrow(/auth: verifier must be a verifier, such as jwt/)
})
