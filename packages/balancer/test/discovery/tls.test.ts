import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { kubernetes } from '@gatelet/balancer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { watching } from './watching.ts'

const pem = (name: string) => readFileSync(new URL(`../../../proxy/test/support/tls/${name}.pem`, import.meta.url), 'utf8')
const ca = pem('cert')
const items = [{ metadata: { name: 'a' }, ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] }]

const api = createServer({ cert: ca, key: pem('key') }, (req, res) => {
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
