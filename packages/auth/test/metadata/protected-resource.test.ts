import { auth, jwt, type ProtectedResourceOptions, protectedResource } from '@gatelet/auth'
import { chain, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { createRouter } from '@gatelet/router'
import { expect, onTestFinished, test } from 'vitest'
import { pair, token } from '../issuer.ts'

const issuer = 'https://id.example.com/'
const key = await pair('k1')

/** A server whose resource is at `path`, with what it tells of it. */
async function guarded(path: string, more: Omit<ProtectedResourceOptions, 'resource'> = {}) {
  const router = createRouter()
  const server = await serve(router, { port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close({ graceMs: 0 }).then(() => {}))
  const resource = `http://127.0.0.1:${server.port}${path}`
  const metadata = protectedResource({ resource, ...more })
  const verifier = jwt({ issuer, audience: resource, algorithms: ['ES256'], keys: [key.jwk] })
  const orders = chain()
    .use(auth(verifier, { resourceMetadata: metadata.url }))
    .to(() => text('orders'))
  router.replace((routes) => void routes.get(metadata.path, metadata).any(path || '/', orders))
  return { resource, metadata }
}

test.each([
  ['', '/.well-known/oauth-protected-resource'],
  ['/', '/.well-known/oauth-protected-resource'],
  ['/orders', '/.well-known/oauth-protected-resource/orders'],
  ['/v1/orders/', '/.well-known/oauth-protected-resource/v1/orders/'],
])('a client that is refused at %j finds the way to a token', async (path, expected) => {
  const { resource, metadata } = await guarded(path, { authorizationServers: [issuer] })
  const refused = await fetch(resource)
  expect(refused.status).toBe(401)
  const [, url = ''] = /resource_metadata="([^"]*)"/.exec(refused.headers.get('www-authenticate') ?? '') ?? []
  expect([url, new URL(url).pathname]).toEqual([metadata.url, expected])
  const told = (await (await fetch(url)).json()) as { resource: string; authorization_servers: string[] }
  // RFC 9728 §3.3: what is told must be about the resource that was asked for, letter by letter.
  expect(told.resource).toBe(resource)
  const signed = await token(key, told.authorization_servers[0] as string, { claims: { aud: told.resource } })
  const taken = await fetch(resource, { headers: { authorization: `Bearer ${signed}` } })
  expect([taken.status, await taken.text()]).toEqual([200, 'orders'])
})

test('what is told is JSON, to the letter, which caches keep and pages of any origin read', async () => {
  const { resource, metadata } = await guarded('/orders', {
    authorizationServers: [issuer],
    scopesSupported: ['read', 'write'],
    certificateBound: false,
    dpopRequired: true,
    dpopAlgorithms: ['ES256'],
    name: 'Orders',
    documentation: 'https://example.com/docs',
    more: { 'resource_name#de': 'Bestellungen' },
    cacheMs: 60_500,
  })
  const answer = await fetch(metadata.url, { headers: { origin: 'https://app.example.com' } })
  expect(answer.status).toBe(200)
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'application/json',
    'cache-control': 'public, max-age=60',
    'access-control-allow-origin': '*',
  })
  expect(await answer.text()).toBe(
    `{"resource":"${resource}","authorization_servers":["https://id.example.com/"],"scopes_supported":["read","write"],` +
      '"bearer_methods_supported":["header"],"tls_client_certificate_bound_access_tokens":false,' +
      '"dpop_bound_access_tokens_required":true,"dpop_signing_alg_values_supported":["ES256"],"resource_name":"Orders",' +
      '"resource_documentation":"https://example.com/docs","resource_name#de":"Bestellungen"}',
  )
})

test('what is not given is not told, and a HEAD has no body', async () => {
  const { resource, metadata } = await guarded('/orders')
  expect(await (await fetch(metadata.url)).json()).toEqual({ resource, bearer_methods_supported: ['header'] })
  const head = await fetch(metadata.url, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect(head.headers.get('cache-control')).toBe('public, max-age=3600')
})

test.each([
  'http://api.example.com',
  'https://API.example.com',
  'https://api.example.com:443',
  'https://api.example.com?tenant=1',
  'https://api.example.com/#a',
  'https://ada:secret@api.example.com',
  'https://api.example.com/a/../b',
  'https://api.example.com//a',
  'https://api.example.com/:id',
  'https://api.example.com/a b',
  'api.example.com',
])('%s is no name of a resource', (resource) => {
  expect(() => protectedResource({ resource })).toThrow(/^protectedResource: resource must be an? (?!.*secret)/)
})

test('a member that an option stands for is refused among the others', () => {
  expect(() => protectedResource({ resource: 'https://api.example.com', more: { scopes_supported: [] } })).toThrow(
    /more must be an object with members for which there is no option/,
  )
})
