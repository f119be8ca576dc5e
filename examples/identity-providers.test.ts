import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { call } from '@gatelet/testing'
import { auth, chain, json } from 'gatelet'
import { type JwtOptions, jwt, type Principal } from 'gatelet/auth'
import { expect, test } from 'vitest'
import { type Pair, pair, token } from '../packages/auth/test/issuer.ts'
import { auth0, cognito, entra, keycloak } from './identity-providers.ts'

/** What a provider tells at which path, and what its tokens say, as its documentation has it. */
interface Provider {
  readonly options: JwtOptions
  readonly keysAt: string
  /** Of its keys, besides what each JWK of RSA has. */
  readonly key?: object
  readonly header?: object
  readonly access: Record<string, unknown>
  readonly identity: Record<string, unknown>
  readonly who: object
}

const providers: Readonly<Record<string, Provider>> = {
  Auth0: {
    options: auth0,
    keysAt: 'https://acme.eu.auth0.com/.well-known/jwks.json',
    header: { typ: 'JWT' },
    access: {
      sub: 'auth0|123456',
      aud: ['https://api.acme.example', 'https://acme.eu.auth0.com/userinfo'],
      azp: 'my_client_id',
      scope: 'openid orders:read',
      'https://acme.example/roles': ['admin'],
    },
    identity: { sub: 'auth0|123456', aud: 'my_client_id', nonce: 'n', name: 'Ada' },
    who: { subject: 'auth0|123456', scopes: ['openid', 'orders:read'], roles: ['admin'] },
  },
  Keycloak: {
    options: keycloak,
    keysAt: 'https://id.acme.example/realms/shop/protocol/openid-connect/certs',
    header: { typ: 'JWT' },
    access: {
      sub: 'f1c4f64e-2c0c-4cda-8c9f-9f3f8f3a2b0e',
      typ: 'Bearer',
      aud: ['orders-api', 'account'],
      azp: 'shop-web',
      scope: 'openid orders:read',
      realm_access: { roles: ['offline_access', 'staff'] },
      resource_access: { 'orders-api': { roles: ['editor'] }, account: { roles: ['view-profile'] } },
    },
    identity: { sub: 'f1c4f64e-2c0c-4cda-8c9f-9f3f8f3a2b0e', typ: 'ID', aud: ['orders-api', 'shop-web'] },
    who: {
      subject: 'f1c4f64e-2c0c-4cda-8c9f-9f3f8f3a2b0e',
      scopes: ['openid', 'orders:read'],
      roles: ['offline_access', 'staff', 'editor'],
    },
  },
  Cognito: {
    options: cognito,
    keysAt: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E/.well-known/jwks.json',
    access: {
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      aud: undefined,
      client_id: '1example23456789',
      token_use: 'access',
      scope: 'https://api.acme.example/orders.read',
      'cognito:groups': ['staff'],
    },
    identity: { sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee', aud: '1example23456789', token_use: 'id', scope: undefined },
    who: {
      subject: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      scopes: ['https://api.acme.example/orders.read'],
      roles: ['staff'],
    },
  },
  Entra: {
    options: entra,
    keysAt: 'https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/discovery/v2.0/keys',
    // Its keys do not say which algorithm they are for.
    key: { alg: undefined, x5t: 'x', x5c: ['x'], issuer: entra.issuer },
    header: { typ: 'JWT' },
    access: {
      sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
      oid: '00000000-0000-0000-66f3-3332eca7ea81',
      aud: '00001111-aaaa-2222-bbbb-3333cccc4444',
      ver: '2.0',
      scope: undefined,
      scp: 'Orders.Read Orders.Write',
      roles: ['Admin'],
    },
    identity: {
      sub: 'AAAA',
      oid: '00000000-0000-0000-66f3-3332eca7ea81',
      aud: '6cb04018-a3f5-46a7-b995-940c78f5aef3',
      ver: '2.0',
    },
    who: {
      subject: '00000000-0000-0000-66f3-3332eca7ea81',
      scopes: ['Orders.Read', 'Orders.Write'],
      roles: ['Admin'],
    },
  },
}

test.each(Object.entries(providers))('%s: an access token gets in, and no other', async (_, provider) => {
  const { options, header = {}, access, identity, who } = provider
  const [key, stranger] = await Promise.all([pair('1234example=', 'RS256'), pair('1234example=', 'RS256')])
  await using issuer = await local(provider, key)
  const api = chain()
    .use(auth(jwt({ ...options, fetching: { fetch: issuer.fetch } })))
    .to(({ state: { principal } }) => json(told(principal)))
  const as = async (claims: Record<string, unknown>, by: Pair = key) => {
    const authorization = `Bearer ${await token(by, options.issuer, { header: { ...header }, claims })}`
    const reply = await call(api, { headers: { authorization } })
    return reply.status === 200 ? reply.json() : reply.status
  }
  expect(await as(access)).toEqual({ issuer: options.issuer, ...who })
  expect(await as(access, stranger)).toBe(401)
  expect(await as(identity)).toBe(401)
  expect(await as({ ...access, [options.audienceClaim ?? 'aud']: 'another-api' })).toBe(401)
  expect(await as({ ...access, iss: `${options.issuer}x` })).toBe(401)
  expect(issuer.asked).toEqual([`${options.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, provider.keysAt])
})

const told = ({ subject, issuer, scopes, roles }: Principal<object>) => ({
  subject,
  issuer,
  scopes: [...scopes],
  roles: [...roles],
})

/** The provider on this machine: what is fetched from its address is asked here. */
async function local({ options: { issuer }, keysAt, key }: Provider, { jwk }: Pair) {
  const encryption = { ...jwk, kid: 'for-encryption', use: 'enc', alg: 'RSA-OAEP' }
  const answers: Readonly<Record<string, unknown>> = {
    [`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`]: { issuer, jwks_uri: keysAt },
    [keysAt]: { keys: [encryption, { ...jwk, use: 'sig', ...key }] },
  }
  const asked: string[] = []
  const server = createServer((req, res) => {
    const url = decodeURIComponent(req.url?.slice(1) ?? '')
    asked.push(url)
    const answer = answers[url]
    res.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    asked,
    fetch: (url: string, init?: RequestInit) => fetch(`${origin}/${encodeURIComponent(url)}`, init),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
