import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubernetes } from '@gatelet/balancer'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { watching } from './watching.ts'

const pem = (name: string) => readFileSync(new URL(`../../../proxy/test/support/tls/${name}.pem`, import.meta.url), 'utf8')
const ca = pem('cert')
const items = [{ metadata: { name: 'a' }, ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] }]

let asked: { path: string | undefined; authorization: string | undefined } | undefined
const api = createServer({ cert: ca, key: pem('key') }, (req, res) => {
  asked = { path: req.url?.split('?')[0], authorization: req.headers.authorization }
  if (req.url?.includes('watch=1')) res.flushHeaders()
  else res.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items }))
})
beforeEach(async () => {
  api.listen(0, '127.0.0.1')
  await once(api, 'listening')
})
afterEach(async () => {
  api.closeAllConnections()
  api.close()
  await once(api, 'close')
})

const server = () => `https://localhost:${(api.address() as AddressInfo).port}`
const asking = { namespace: 'default', token: 'any' }

test('a registry is asked over TLS, with the certificates that are given', async () => {
  using seen = watching(kubernetes('a', { ...asking, server: server(), ca }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.urls).toEqual(['http://10.0.0.1:80'])
})

test('a registry whose certificate nobody vouches for is a failure', async () => {
  using seen = watching(kubernetes('a', { ...asking, server: server() }))
  await seen.when(() => seen.failures.length === 1)
  expect(seen.failures[0]).toMatch(/certificate/)
})

describe('in a pod', () => {
  let account = ''
  beforeEach(async () => {
    account = await mkdtemp(join(tmpdir(), 'gatelet-'))
    vi.stubEnv('KUBERNETES_SERVICE_HOST', 'localhost')
    vi.stubEnv('KUBERNETES_SERVICE_PORT', String((api.address() as AddressInfo).port))
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(account, { recursive: true })
  })
  const write = (files: Readonly<Record<string, string>>) =>
    Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(account, name), text)))

  test('nothing has to be said: environment and service account do', async () => {
    await write({ namespace: 'shop', token: 's3cret\n', 'ca.crt': ca })
    using seen = watching(kubernetes('a', { serviceAccount: account }))
    await seen.when(() => seen.lists.length === 1)
    expect(asked).toEqual({
      path: '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices',
      authorization: 'Bearer s3cret',
    })
    expect(seen.failures).toEqual([])
  })

  test.each([
    ['is missing', { namespace: 'shop', 'ca.crt': ca }, /ENOENT.*token/],
    ['is empty', { namespace: 'shop', 'ca.crt': ca, token: '\n' }, /the token is empty/],
    ['would be another header', { namespace: 'shop', 'ca.crt': ca, token: 'a\r\nx-b: c' }, /Invalid character.*authorization/],
  ])('a token that %s is a failure, until it is right', async (_, files, message) => {
    await write(files)
    using seen = watching(kubernetes('a', { serviceAccount: account }))
    await seen.when(() => seen.failures.length === 1)
    expect(seen.failures[0]).toMatch(message)
    await write({ token: 'right' })
    await seen.advanceUntil(() => seen.lists.length === 1)
  })
})
