import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type AuthOptions,
  allOf,
  anyOf,
  apiKey,
  auth,
  basic,
  certificate,
  createApiKey,
  externalAuth,
  firstOf,
  httpSignature,
  identity,
  introspection,
  jwt,
  not,
  type Policy,
  predicate,
  role,
  session,
  type Verifier,
} from '@gatelet/auth'
import { type Context, chain, subscribe, text } from '@gatelet/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { certificate as testCertificate } from '../../../test/certificates/certificates.ts'
import { ada, contextOf, hello, replyOf, saying } from './fakes.ts'
import { pair, token } from './issuer.ts'

// What users give is JavaScript, too: whatever it does, nobody gets through by it, and the process goes on.
type UsersFunction = (...args: never[]) => unknown

const failures: [string, UsersFunction][] = [
  [
    'throws',
    () => {
      throw new Error('away')
    },
  ],
  ['rejects', () => Promise.reject(new Error('away'))],
  ['rejects later', () => new Promise((_, reject) => setImmediate(reject, new Error('away')))],
]
const oddities = [null, false, true, 0, 1, '', 'ada', {}, [], { subject: '' }, { subject: 7 }, { subject: ['ada'] }]
const odd: [string, UsersFunction][] = oddities.flatMap((value): [string, UsersFunction][] => [
  [`says ${JSON.stringify(value)}`, () => value],
  [`says ${JSON.stringify(value)} later`, async () => value],
])

/** What the answer's status is, and that no failure was left to nobody. */
async function statusOf(verifier: Verifier, ctx: Context, options: AuthOptions = {}): Promise<number> {
  const unheard: unknown[] = []
  const hear = (reason: unknown) => void unheard.push(reason)
  process.on('unhandledRejection', hear)
  onTestFinished(() => void process.off('unhandledRejection', hear))
  const reply = await replyOf(
    chain()
      .use(auth(verifier, options))
      .to(() => text('let through')),
    ctx,
  )
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  expect(unheard).toEqual([])
  return reply.status
}

const issuer = 'https://id.example.com/'
const signer = await pair('k1')
const signed = await token(signer, issuer)
const bearer = contextOf({ authorization: `Bearer ${signed}` })
const options = { issuer, audience: 'api', algorithms: ['ES256'], keys: [signer.jwk] } as const

const answering = async (headers: Record<string, string>, body = ''): Promise<string> => {
  const server = createServer((_, res) => void res.writeHead(200, headers).end(body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const created = Math.floor(Date.now() / 1_000)
const signature = {
  'signature-input': `sig1=("@method" "@authority" "@path" "@query");created=${created};keyid="k"`,
  signature: `sig1=:${Buffer.alloc(64).toString('base64')}:`,
}
const presented = { 'client-cert': `:${testCertificate('client').cert.replace(/-----[A-Z ]+-----|\s/g, '')}:` }

/** Verifiers that ask a function of the user's, with a request for which they ask it. */
const asking: [string, (users: UsersFunction) => Promise<readonly [Verifier, Context]> | readonly [Verifier, Context]][] = [
  ['check of basic', (check) => [basic({ check: check as never }), contextOf({ authorization: `Basic ${btoa('ada:x')}` })]],
  [
    'identify of certificate',
    (identify) => [
      certificate({ header: 'client-cert', identify: identify as never }),
      contextOf(presented, { client: { address: '192.0.2.1', peer: '192.0.2.2', viaTrustedProxy: true } }),
    ],
  ],
  [
    'identify of externalAuth',
    async (identify) => [externalAuth({ url: await answering({}), identify: identify as never }), contextOf()],
  ],
  ['keys of httpSignature', (keys) => [httpSignature({ keys: keys as never }), contextOf(signature)]],
  [
    'find of apiKey',
    (find) => {
      const pepper = new Uint8Array(32)
      const { key } = createApiKey({ subject: 'ada', pepper })
      return [apiKey({ keys: { find: find as never }, pepper }), contextOf({ 'x-api-key': key })]
    },
  ],
]

describe.each(asking)('where %s', (_, made) => {
  const open = saying({ kind: 'proved', principal: ada })

  test.each([...failures, ...odd])('%s, nobody gets through', async (_, users) => {
    const [verifier, ctx] = await made(users)
    expect(await statusOf(verifier, ctx)).toBeGreaterThanOrEqual(401)
    expect(await statusOf(verifier, ctx, { optional: true })).toBeGreaterThanOrEqual(401)
    expect(await statusOf(firstOf(firstOf(verifier, open), open), ctx, { optional: true })).toBeGreaterThanOrEqual(401)
  })

  test('throws or rejects, it is told what was thrown', async () => {
    const told: unknown[] = []
    onTestFinished(subscribe('auth:decided', ({ outcome, error }) => void told.push(outcome, String(error))))
    for (const [, users] of failures.slice(0, 2)) {
      const [verifier, ctx] = await made(users)
      expect(await statusOf(verifier, ctx)).toBe(503)
    }
    // One that may not promise is told that.
    expect(told).toEqual([
      'unavailable',
      'Error: away',
      'unavailable',
      expect.stringMatching(/Error: (away|identify must answer at once)/),
    ])
  })
})

describe('where claims of jwt', () => {
  const isNothing = (value: unknown) => typeof value !== 'object' || value === null
  const nothings = oddities.filter(isNothing).flatMap((value): [string, UsersFunction][] => [
    [`says ${JSON.stringify(value)}`, () => value],
    [`says ${JSON.stringify(value)} later`, async () => value],
  ])

  test.each([...failures, ...nothings])('%s, nobody gets through', async (_, claims) => {
    expect(await statusOf(jwt({ ...options, claims: claims as never }), bearer)).toBeGreaterThanOrEqual(401)
    const schema = { '~standard': { version: 1 as const, vendor: 'x', validate: claims as never } }
    expect(await statusOf(jwt({ ...options, claims: schema as never }), bearer)).toBeGreaterThanOrEqual(401)
  })
})

test.each([...failures, ['says a number', () => 7], ['says later', async () => ['admin']]] as [string, UsersFunction][])(
  'where roles %s, nobody gets through',
  async (_, roles) => {
    expect(await statusOf(jwt({ ...options, roles: roles as never }), bearer)).toBe(500)
    const endpoint = await answering({}, JSON.stringify({ active: true, sub: 'ada' }))
    const opaque = introspection({ endpoint, clientId: 'a', clientSecret: 'b', roles: roles as never })
    expect(await statusOf(opaque, bearer)).toBe(503)
  },
)

test.each([...failures, ...odd.filter(([name]) => !name.startsWith('says false'))])(
  'where isRevoked of a session %s, nobody gets through',
  async (_, isRevoked) => {
    const sessions = session({ secrets: 'a secret of at least 32 characters', isRevoked: isRevoked as never })
    const cookie = (await sessions.create({ subject: 'ada' })).split(';')[0] as string
    expect(await statusOf(sessions, contextOf({ cookie }))).toBeGreaterThanOrEqual(401)
  },
)

describe('where a policy', () => {
  const denies: Policy = () => ({ reason: 'no' })
  const allows: Policy = () => undefined
  const around: [string, (policy: Policy) => Policy][] = [
    ['alone', (policy) => policy],
    ['in allOf, first', (policy) => allOf(policy, allows)],
    ['in allOf, last', (policy) => allOf(allows, policy)],
    ['in anyOf, first', (policy) => anyOf(policy, denies)],
    ['in anyOf, last', (policy) => anyOf(denies, policy)],
    ['in predicate', (policy) => predicate(policy as never)],
    ['in both', (policy) => allOf(anyOf(denies, policy), anyOf(policy, denies))],
  ]
  const verifier = saying({ kind: 'proved', principal: ada })

  test.each([...failures, ...odd])('%s, nobody gets through, wherever it stands', async (name, users) => {
    for (const [place, made] of around) {
      if (place === 'in predicate' && name.startsWith('says true')) continue
      expect([place, await statusOf(verifier, contextOf(), { require: made(users as never) })]).toEqual([
        place,
        failures.some(([failure]) => failure === name) ? 500 : 403,
      ])
    }
  })

  test.each([...failures, ...odd.filter(([name]) => !/[[{]/.test(name))])('%s, not() lets nobody through', async (_, users) => {
    expect(await statusOf(verifier, contextOf(), { require: not(users as never) })).toBeGreaterThanOrEqual(403)
  })
})

test.each(failures)('where what identity tells %s, the upstream is not asked', async (_, users) => {
  const asked: string[] = []
  const key = new Uint8Array(32)
  const layers = [
    identity({ headers: { 'x-user': users as never } }),
    identity({ token: { key, algorithm: 'HS256', issuer: 'a', audience: 'b', claims: users as never } }),
  ]
  for (const layer of layers) {
    const handler = chain()
      .use(auth(saying({ kind: 'proved', principal: ada })))
      .use(layer)
      .to((ctx) => {
        asked.push(ctx.request.method)
        return hello(ctx)
      })
    expect((await replyOf(handler)).status).toBe(500)
  }
  expect(asked).toEqual([])
})

test('a text in place of a list of roles is no list of letters', async () => {
  const verifier = jwt({ ...options, roles: () => 'admin' })
  expect(await statusOf(verifier, bearer, { require: role('admin') })).toBe(200)
})
