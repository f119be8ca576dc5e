import { type JwtOptions, type JwtVerifier, jwt, type Verdict } from '@gatelet/auth'
import type { JWK } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'
import { contextOf } from '../fakes.ts'
import { Issuer, type Pair, pair, type Signing, token } from '../issuer.ts'

// Issuers that many use, as their documentation says that they behave: where their keys are and how they are marked, what their
// access tokens say, and which other tokens of theirs must not pass for one.

const [current, next, encryption] = await Promise.all([
  pair('current', 'RS256'),
  pair('next', 'RS256'),
  pair('enc', 'RSA-OAEP-256'),
])

interface Shape {
  readonly path: string
  readonly keysPath: string
  readonly keys: readonly JWK[]
  readonly options: Omit<JwtOptions, 'issuer'>
  /** What `token` would say that theirs do not. */
  readonly without?: Record<string, undefined>
}

async function asking(shape: Shape): Promise<(signing: Signing, by?: Pair) => Promise<Verdict>> {
  const issuer = await Issuer.start([])
  onTestFinished(() => issuer.close())
  Object.assign(issuer, { path: shape.path, keysPath: shape.keysPath, keys: shape.keys })
  const verifier: JwtVerifier = jwt({ issuer: issuer.url, ...shape.options })
  return async ({ header, claims }, by = current) => {
    const signed = await token(by, issuer.url, { header: header ?? {}, claims: { ...shape.without, ...claims } })
    return verifier.verify(contextOf({ authorization: `Bearer ${signed}` }))
  }
}

const granted = (verdict: Verdict) => {
  if (verdict.kind !== 'proved') throw new Error(JSON.stringify(verdict))
  const { subject, scopes, roles } = verdict.principal
  return { subject, scopes: [...scopes], roles: [...roles] }
}

const refused = (reason: string) => ({ kind: 'refused', status: 401, reason })

describe('Amazon Cognito', () => {
  const shape: Shape = {
    path: '/eu-central-1_Ab1Cd2Ef3',
    keysPath: '/eu-central-1_Ab1Cd2Ef3/.well-known/jwks.json',
    keys: [next.jwk, current.jwk].map((jwk) => ({ ...jwk, use: 'sig' })),
    options: {
      audience: '1example23456789',
      audienceClaim: 'client_id',
      algorithms: ['RS256'],
      roles: (claims) => (claims['cognito:groups'] ?? []) as string[],
    },
    without: { aud: undefined },
  }
  const access = {
    sub: 'aaaaaaaa-bbbb',
    client_id: '1example23456789',
    token_use: 'access',
    scope: 'aws.cognito.signin.user.admin orders/read',
    'cognito:groups': ['admins'],
    username: 'ada',
    version: 2,
    jti: 'x',
  }

  test('its access tokens name the client, and no audience', async () => {
    const ask = await asking(shape)
    expect(granted(await ask({ claims: access }))).toEqual({
      subject: 'aaaaaaaa-bbbb',
      scopes: ['aws.cognito.signin.user.admin', 'orders/read'],
      roles: ['admins'],
    })
    expect(granted(await ask({ claims: { ...access, scope: 'orders/read', 'cognito:groups': undefined } })).roles).toEqual([])
  })

  test.each<[string, Record<string, unknown>]>([
    ['an identity token', { ...access, token_use: 'id', client_id: undefined, aud: '1example23456789' }],
    ['one of another client', { ...access, client_id: '7other' }],
    ['one that is for another service', { ...access, aud: 'https://other.example.com' }],
  ])('%s is not taken', async (_, claims) => {
    expect(await (await asking(shape))({ claims })).toMatchObject(refused('wrong-audience'))
  })

  test('one that says for which service it is must be for this one', async () => {
    const audience = ['1example23456789', 'https://api.example.com']
    const ask = await asking({ ...shape, options: { ...shape.options, audience } })
    expect(granted(await ask({ claims: { ...access, aud: 'https://api.example.com' } })).subject).toBe('aaaaaaaa-bbbb')
  })
})

describe('Microsoft Entra ID', () => {
  const api = '11112222-bbbb-3333-cccc-4444dddd5555'
  const withoutAlgorithm = ({ jwk: { alg: _, ...jwk } }: Pair): JWK => ({
    ...jwk,
    use: 'sig',
    x5c: ['MIIC'],
    x5t: jwk.kid as string,
  })
  const shape: Shape = {
    path: '/aaaabbbb-0000/v2.0',
    keysPath: '/aaaabbbb-0000/discovery/v2.0/keys',
    keys: [next, current].map(withoutAlgorithm),
    options: { audience: api, algorithms: ['RS256'], subjectClaim: 'oid' },
    without: { scope: undefined },
  }
  const access = { aud: api, oid: 'ada', sub: 'pairwise', tid: 'aaaabbbb-0000', ver: '2.0', azp: 'app' }

  test('its keys name no algorithm, and its tokens have scopes in scp, or roles alone', async () => {
    const ask = await asking(shape)
    expect(granted(await ask({ header: { typ: 'JWT' }, claims: { ...access, scp: 'Orders.Read Orders.Write' } }))).toEqual({
      subject: 'ada',
      scopes: ['Orders.Read', 'Orders.Write'],
      roles: [],
    })
    expect(granted(await ask({ claims: { ...access, oid: 'robot', roles: ['Orders.ReadAll'], idtyp: 'app' } }))).toEqual({
      subject: 'robot',
      scopes: [],
      roles: ['Orders.ReadAll'],
    })
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['of version 1', { ...access, ver: '1.0', iss: 'https://sts.windows.net/aaaabbbb-0000/' }, 'wrong-issuer'],
    ['of another tenant', { ...access, iss: 'https://login.microsoftonline.com/ccccdddd-1111/v2.0' }, 'wrong-issuer'],
    ['for Microsoft Graph', { ...access, aud: '00000003-0000-0000-c000-000000000000' }, 'wrong-audience'],
  ])('a token %s is not taken', async (_, claims, reason) => {
    expect(await (await asking(shape))({ claims })).toMatchObject(refused(reason))
  })
})

describe('Keycloak', () => {
  const shape: Shape = {
    path: '/realms/shop',
    keysPath: '/realms/shop/protocol/openid-connect/certs',
    keys: [
      { ...encryption.jwk, alg: 'RSA-OAEP', use: 'enc' },
      { ...current.jwk, use: 'sig' },
    ],
    options: {
      audience: 'orders',
      algorithms: ['RS256'],
      roles: ({ realm_access }) => (realm_access as { roles?: string[] } | undefined)?.roles ?? [],
      claims: (claims) => (claims['typ'] === 'Bearer' ? claims : undefined),
    },
  }
  const access = {
    aud: ['orders', 'account'],
    typ: 'Bearer',
    azp: 'web',
    realm_access: { roles: ['admin'] },
    scope: 'profile email',
  }

  test('its roles are those of the realm, and a key for encryption beside the others disturbs nobody', async () => {
    expect(granted(await (await asking(shape))({ header: { typ: 'JWT' }, claims: access }))).toEqual({
      subject: 'ada',
      scopes: ['profile', 'email'],
      roles: ['admin'],
    })
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['an access token without the mapper for the audience', { ...access, aud: 'account' }, 'wrong-audience'],
    ['an identity token', { ...access, aud: 'orders', typ: 'ID' }, 'claims'],
    ['a token for logging out', { ...access, aud: 'orders', typ: 'Logout' }, 'claims'],
    ['a token of another realm', { ...access, iss: 'https://id.example.com/realms/other' }, 'wrong-issuer'],
  ])('%s is not taken', async (_, claims, reason) => {
    expect(await (await asking(shape))({ claims })).toMatchObject(refused(reason))
  })
})

describe('Auth0', () => {
  const api = 'https://api.example.com'
  const shape: Shape = {
    path: '/',
    keysPath: '/.well-known/jwks.json',
    keys: [current, next].map(({ jwk }) => ({ ...jwk, use: 'sig', x5c: ['MIIC'], x5t: jwk.kid as string })),
    options: { audience: api, algorithms: ['RS256'], roles: ({ permissions }) => (permissions ?? []) as string[] },
  }
  const access = {
    aud: [api, 'https://shop.eu.auth0.com/userinfo'],
    sub: 'auth0|1',
    azp: 'web',
    scope: 'openid read:orders',
    permissions: ['read:orders'],
  }

  test('its name ends in a slash, and permissions may stand for roles', async () => {
    const ask = await asking(shape)
    const expected = { subject: 'auth0|1', scopes: ['openid', 'read:orders'], roles: ['read:orders'] }
    expect(granted(await ask({ header: { typ: 'JWT' }, claims: access }))).toEqual(expected)
    expect(granted(await ask({ claims: access }, next))).toEqual(expected)
  })

  test('with the profile of RFC 9068 nothing but access tokens is taken', async () => {
    const ask = await asking({ ...shape, options: { ...shape.options, type: 'at+jwt' } })
    expect(granted(await ask({ header: { typ: 'at+jwt' }, claims: access })).subject).toBe('auth0|1')
    expect(await ask({ header: { typ: 'JWT' }, claims: access })).toMatchObject(refused('wrong-type'))
  })

  test('an identity token is for the client, and not taken', async () => {
    expect(await (await asking(shape))({ claims: { ...access, aud: 'web' } })).toMatchObject(refused('wrong-audience'))
  })
})
