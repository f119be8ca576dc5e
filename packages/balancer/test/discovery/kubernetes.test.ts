import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type KubernetesOptions, kubernetes } from '@gatelet/balancer'
import { baseline, type EndpointSlice, type KubernetesServer, kubernetesServer, type SliceEndpoint } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { sliceEndpoints } from '../../src/discovery/slices.ts'
import { watching } from './watching.ts'

const pod = (at: number, conditions: SliceEndpoint['conditions'] = { ready: true }): SliceEndpoint => ({
  addresses: [`10.0.0.${at}`],
  conditions,
  targetRef: { kind: 'Pod', name: `orders-${at}`, uid: `uid-${at}` },
  nodeName: 'node-1',
  zone: 'eu-1',
})
const slice = (name: string, ...endpoints: SliceEndpoint[]): EndpointSlice => ({ name, service: 'orders', endpoints })

const source = (server: KubernetesServer, more: Partial<KubernetesOptions> = {}) =>
  kubernetes('orders', { server: server.url, namespace: 'default', token: 'any', ...more })

const address = (url: string) => new URL(url).hostname

test('lists the pods of all slices of the service, page by page', async () => {
  await using server = await kubernetesServer()
  server.pageSize = 1
  server.apply(slice('orders-a', pod(1)))
  server.apply(slice('orders-b', pod(2)))
  server.apply({ ...slice('users-a', pod(3)), service: 'users' })
  using seen = watching(source(server))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.lists[0]?.[0]).toEqual({
    url: 'http://10.0.0.1:8080',
    weight: 1,
    zone: 'eu-1',
    metadata: { pod: 'orders-1', node: 'node-1' },
  })
  expect(seen.urls.map(address)).toEqual(['10.0.0.1', '10.0.0.2'])
})

test('watches from the version of the list: what is added, changed and deleted shows at once', async () => {
  await using server = await kubernetesServer()
  server.apply(slice('orders-a', pod(1)))
  using seen = watching(source(server))
  await server.when(({ watching }) => watching === 1)
  server.apply(slice('orders-b', pod(2)))
  await seen.when(() => seen.urls.length === 2)
  server.apply(slice('orders-a', pod(3)))
  await seen.when(() => seen.urls.some((url) => url.includes('10.0.0.3')))
  server.delete('orders-a')
  await seen.when(() => seen.urls.length === 1)
  expect(seen.urls.map(address)).toEqual(['10.0.0.2'])
  const asked = server.requests.at(-1)?.query
  expect(Object.fromEntries(asked ?? [])).toMatchObject({ watch: '1', resourceVersion: '101', allowWatchBookmarks: 'true' })
})

test('goes on where a bookmark said that it is, after a watch has ended', async () => {
  await using server = await kubernetesServer()
  server.apply(slice('orders-a', pod(1)))
  using seen = watching(source(server))
  await server.when(({ watching }) => watching === 1)
  server.bookmark()
  server.endWatches()
  await server.when(({ watching }) => watching === 0)
  server.apply(slice('orders-a', pod(2)))
  await seen.advanceUntil(() => seen.urls.some((url) => url.includes('10.0.0.2')))
  expect(server.requests.map(({ query }) => query.get('resourceVersion'))).toEqual([null, '101', '102'])
  expect(seen.failures).toEqual([])
})

test.each([
  ['the answer to a watch', (server: KubernetesServer) => server.endWatches()],
  ['an event of a watch', (server: KubernetesServer) => server.expire()],
])('lists again when 410 comes as %s', async (_, end) => {
  await using server = await kubernetesServer()
  server.apply(slice('orders-a', pod(1)))
  using seen = watching(source(server))
  await server.when(({ watching }) => watching === 1)
  end(server)
  await server.when(({ watching }) => watching === 0)
  server.apply(slice('orders-a', pod(2)))
  server.compact()
  await seen.advanceUntil(() => seen.urls.some((url) => url.includes('10.0.0.2')))
  expect(server.requests.filter(({ query }) => !query.has('watch'))).toHaveLength(2)
  expect(seen.failures).toEqual([])
})

test('reads events however they are cut', async () => {
  await using server = await kubernetesServer()
  using seen = watching(source(server))
  await server.when(({ watching }) => watching === 1)
  const { name, ...rest } = slice('orders-é', pod(1))
  const line = JSON.stringify({
    type: 'ADDED',
    object: { metadata: { name, resourceVersion: '500' }, ports: [{ port: 80 }], ...rest },
  })
  for (const part of [line.slice(0, 40), `${line.slice(40)}\n\n`]) {
    server.write(part)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await seen.when(() => seen.urls.length === 1)
})

describe('where a look fails', () => {
  test.each([
    ['status', { kind: 'status', status: 500, times: 1 }, /with 500/],
    ['garbage', { kind: 'garbage', times: 1 }, /not JSON/],
    ['reset', { kind: 'reset', times: 1 }, /ECONNRESET|socket hang up/],
  ] as const)('it tells of a fault (%s), and looks again', async (_, fault, message) => {
    await using server = await kubernetesServer()
    server.apply(slice('orders-a', pod(1)))
    server.fault = { ...fault }
    using seen = watching(source(server))
    await seen.when(() => seen.failures.length === 1)
    expect(seen.failures[0]).toMatch(message)
    await seen.advanceUntil(() => seen.urls.length === 1)
  })

  test('a watch that is broken off goes on from where it was, and says that all is known again', async () => {
    await using server = await kubernetesServer()
    server.apply(slice('orders-a', pod(1)))
    using seen = watching(source(server))
    await server.when(({ watching }) => watching === 1)
    server.reset()
    await seen.when(() => seen.failures.length === 1)
    const told = seen.lists.length
    await seen.advanceUntil(() => seen.lists.length === told + 1)
    expect(seen.urls).toHaveLength(1)
    expect(server.requests.filter(({ query }) => !query.has('watch'))).toHaveLength(1)
  })

  test('a role that may list and not watch still sees changes, later, and each look says so', async () => {
    let hosts = ['10.0.0.1']
    const api = createServer((req, res) => {
      const items = [{ metadata: { name: 'a' }, ports: [{ port: 80 }], endpoints: hosts.map((host) => ({ addresses: [host] })) }]
      if (req.url?.includes('watch=1')) res.writeHead(403).end()
      else res.end(JSON.stringify({ metadata: { resourceVersion: '7' }, items }))
    })
    api.listen(0, '127.0.0.1')
    await once(api, 'listening')
    const server = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
    using seen = watching(kubernetes('orders', { server, namespace: 'default', token: 'any' }))
    await seen.when(() => seen.failures.length === 1)
    hosts = ['10.0.0.1', '10.0.0.2']
    await seen.advanceUntil(() => seen.urls.length === 2)
    await seen.when(() => seen.failures.length >= 2)
    expect(new Set(seen.failures)).toEqual(new Set([expect.stringMatching(/with 403$/)]))
    api.close()
    await once(api, 'close')
  })

  test('a watch of garbage is left', async () => {
    await using server = await kubernetesServer()
    using seen = watching(source(server))
    await server.when(({ watching }) => watching === 1)
    server.write('{"type": "WHAT"}\n')
    await seen.when(() => seen.failures.length === 1)
    // Else what follows could be written to the watch that was left.
    await server.when(({ watching }) => watching === 0)
    await seen.advanceUntil(() => server.watching === 1)
    server.write('}{\n')
    await seen.when(() => seen.failures.length === 2)
  })

  test('a line without end is left', async () => {
    await using server = await kubernetesServer()
    using seen = watching(source(server))
    await server.when(({ watching }) => watching === 1)
    for (let sent = 0; sent < 9; sent++) server.write('x'.repeat(1024 * 1024))
    await seen.when(() => seen.failures.length === 1)
    expect(seen.failures[0]).toMatch(/a line of more than 8388608 bytes/)
    await server.when(({ sockets }) => sockets === 0)
  })

  test('no more than 2,000 slices are kept, of a list or of a watch', async () => {
    await using server = await kubernetesServer()
    for (let at = 0; at < 2_000; at++) server.apply(slice(`orders-${at}`))
    using seen = watching(source(server))
    await server.when(({ watching }) => watching === 1)
    expect(seen.failures).toEqual([])
    server.apply(slice('orders-more', pod(1)))
    await seen.when(() => seen.failures.length === 1)
    using another = watching(source(server))
    await another.when(() => another.failures.length === 1)
    for (const { failures } of [seen, another]) expect(failures[0]).toMatch(/more than 2000 slices/)
    server.delete('orders-more')
    await seen.advanceUntil(() => seen.lists.length === 2)
    await another.advanceUntil(() => another.lists.length === 1)
  })

  test('a watch that hangs is given up when the API should have ended it', async () => {
    await using server = await kubernetesServer()
    using seen = watching(source(server, { watchMs: 60_000 }))
    await server.when(({ watching }) => watching === 1)
    const seconds = Number(server.requests.at(-1)?.query.get('timeoutSeconds'))
    expect(seconds).toBeGreaterThanOrEqual(60)
    expect(seconds).toBeLessThanOrEqual(120)
    await seen.clock.advance((seconds + 29) * 1_000)
    expect(seen.failures).toEqual([])
    await seen.clock.advance(1_000)
    await seen.when(() => seen.failures.length === 1)
    await seen.advanceUntil(() => server.watching === 1)
  })

  test('a token that was renewed is read for the next request', async () => {
    await using server = await kubernetesServer()
    server.token = 'first'
    const file = { token: 'first' }
    using seen = watching(source(server, { token: () => file.token }))
    await server.when(({ watching }) => watching === 1)
    server.token = 'second'
    server.reset()
    await seen.advanceUntil(() => seen.failures.length === 2)
    expect(seen.failures[1]).toMatch(/with 401$/)
    file.token = 'second'
    await seen.advanceUntil(() => server.watching === 1)
  })
})

describe('slices', () => {
  const objects = (...slices: Partial<EndpointSlice>[]) =>
    slices.map((each) => ({ ports: [{ name: 'http', port: 8080 }], ...each }))
  const weights = (...endpoints: SliceEndpoint[]) =>
    sliceEndpoints(objects({ endpoints }), {}).map(({ url, weight }) => [address(String(url)).slice(-1), weight])

  test('drain who is terminating and still serves, and leave out who is not ready', () => {
    const leaving = { ready: false, serving: true, terminating: true }
    expect(weights(pod(1), pod(2, leaving), pod(3, { ready: false }), pod(4, { ...leaving, serving: false }))).toEqual([
      ['1', 1],
      ['2', 0],
    ])
    expect(weights({ addresses: ['10.0.0.5'] })).toEqual([['5', 1]])
  })

  test('take those that are terminating where nobody is ready', () => {
    expect(weights(pod(1, { ready: false }), pod(2, { ready: false, serving: true, terminating: true }))).toEqual([['2', 1]])
  })

  test('name a pod once that stands in two of them, as what is better of it says', () => {
    const both = objects({ endpoints: [pod(1, { ready: false })] }, { endpoints: [pod(1)] })
    expect(sliceEndpoints(both, {})).toHaveLength(1)
    expect(sliceEndpoints(both.toReversed(), {})).toHaveLength(1)
  })

  test('name a pod with two families once, by the one that is wanted', () => {
    const six = { ...pod(1), addresses: ['fd00::1'] }
    const both = objects({ addressType: 'IPv6', endpoints: [six] }, { addressType: 'IPv4', endpoints: [pod(1)] })
    expect(sliceEndpoints(both, {}).map(({ url }) => url)).toEqual(['http://10.0.0.1:8080'])
    expect(sliceEndpoints(both, { family: 6 }).map(({ url }) => url)).toEqual(['http://[fd00::1]:8080'])
    expect(sliceEndpoints(both.slice(0, 1), {}).map(({ url }) => url)).toEqual(['http://[fd00::1]:8080'])
  })

  test('are reached at the port that is named, numbered, the only one, or called like the scheme', () => {
    const ports = [
      { name: 'metrics', port: 9090 },
      { name: 'http', port: 8080 },
    ]
    const at = (given: EndpointSlice['ports'] & {}, reading: object) =>
      sliceEndpoints(objects({ ports: given, endpoints: [pod(1)] }), reading).map(({ url }) => new URL(String(url)).port)
    expect(at(ports, {})).toEqual(['8080'])
    expect(at(ports, { port: 'metrics' })).toEqual(['9090'])
    expect(at(ports, { port: 9090 })).toEqual(['9090'])
    expect(at(ports, { port: 7 })).toEqual([])
    expect(at([], { port: 7 })).toEqual(['7'])
    expect(at([{ port: 81 }], {})).toEqual(['81'])
    expect(() => at(ports, { scheme: 'https' })).toThrow(/2 ports: the option port must say which/)
  })

  test.each([[{}], [{ endpoints: [null, 7, {}] }], [{ endpoints: 'x' }], [{ endpoints: [{ addresses: [] }] }]])(
    'of any shape throw nothing',
    (given) => {
      expect(sliceEndpoints([{ ports: [{ port: 80 }], ...given }], {})).toEqual([])
    },
  )
})

test('says when a program is not in a pod and does not say where the API is', () => {
  expect(() => kubernetes('orders')).toThrow(/server must be the URL of the API: this process is not in a pod/)
})

test('ends in the middle of a watch, and leaves nothing open', async () => {
  const before = baseline()
  {
    await using server = await kubernetesServer()
    const seen = watching(source(server))
    await server.when(({ watching }) => watching === 1)
    seen.end()
    await server.when(({ sockets }) => sockets === 0)
    expect(seen.clock.pending).toBe(0)
    expect(seen.failures).toEqual([])
  }
  await before.settled()
})
