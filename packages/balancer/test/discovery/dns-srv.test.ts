import { dnsSrv } from '@gatelet/balancer'
import { dnsServer } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { srvServers } from '../../src/discovery/srv-records.ts'
import { watching } from './watching.ts'

const name = '_http._tcp.orders.test'
const hosts = { 'a.test': { A: ['10.0.0.1'] }, 'b.test': { A: ['10.0.0.2', '10.0.0.3'] } }

test('finds hosts, ports, priorities and weights; a host shares its weight among its addresses', async () => {
  const SRV = [
    { name: 'b.test', port: 8081, priority: 1, weight: 6 },
    { name: 'a.test', port: 8080, priority: 0, weight: 5 },
  ]
  await using server = await dnsServer({ [name]: { SRV }, ...hosts })
  using seen = watching(dnsSrv(name, { servers: [server.address], scheme: 'https', path: '/v2' }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.lists[0]).toEqual([
    { url: 'https://10.0.0.1:8080/v2', weight: 5, priority: 0, metadata: { host: 'a.test' } },
    { url: 'https://10.0.0.2:8081/v2', weight: 3, priority: 1, metadata: { host: 'b.test' } },
    { url: 'https://10.0.0.3:8081/v2', weight: 3, priority: 1, metadata: { host: 'b.test' } },
  ])
})

test.each([
  ['its target is the root', { [name]: { SRV: [{ name: '.', port: 0 }] } }],
  ['there is no such name', {}],
  ['its hosts have no addresses', { [name]: { SRV: [{ name: 'gone.test', port: 80 }] } }],
])('finds nobody where %s', async (_, records) => {
  await using server = await dnsServer(records)
  using seen = watching(dnsSrv(name, { servers: [server.address] }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.urls).toEqual([])
  expect(seen.failures).toEqual([])
})

test('looks again after refreshMs, or as soon as the TTL of an address is over', async () => {
  await using server = await dnsServer({ [name]: { SRV: [{ name: 'a.test', port: 80 }] }, 'a.test': { A: ['10.0.0.1'], ttl: 4 } })
  using seen = watching(dnsSrv(name, { servers: [server.address], refreshMs: 10_000 }))
  await seen.when(() => seen.lists.length === 1)
  await seen.clock.advance(3_599)
  expect(seen.lists).toHaveLength(1)
  server.records.set('a.test', { A: ['10.0.0.1'], ttl: 86_400 })
  await seen.clock.advance(801)
  await seen.when(() => seen.lists.length === 2)
  await seen.clock.advance(8_999)
  expect(seen.lists).toHaveLength(2)
  await seen.clock.advance(2_001)
  await seen.when(() => seen.lists.length === 3)
})

test('keeps the addresses of a host that cannot be looked up, and says so', async () => {
  await using server = await dnsServer({ [name]: { SRV: [{ name: 'a.test', port: 80 }] }, ...hosts })
  using seen = watching(dnsSrv(name, { servers: [server.address], tries: 1, timeoutMs: 150, refreshMs: 1_000 }))
  await seen.when(() => seen.lists.length === 1)
  server.fault = { kind: 'servfail', type: 'A' }
  server.records.set(name, { SRV: [{ name: 'a.test', port: 81 }] })
  await seen.advanceUntil(() => seen.lists.length === 2)
  expect(seen.urls).toEqual(['http://10.0.0.1:81'])
  expect(seen.failures).toEqual([expect.stringMatching(/queryA ESERVFAIL a.test/)])
})

test('takes a server that two names lead to once, in its first priority', async () => {
  const SRV = [
    { name: 'b.test', port: 80, priority: 2 },
    { name: 'a.test', port: 80, priority: 1 },
  ]
  await using server = await dnsServer({ [name]: { SRV }, 'a.test': { A: ['10.0.0.1'] }, 'b.test': { A: ['10.0.0.1'] } })
  using seen = watching(dnsSrv(name, { servers: [server.address] }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.lists[0]).toMatchObject([{ priority: 1, metadata: { host: 'a.test' } }])
})

test('takes a thousand targets, the first priority first, and a hundred addresses of each, the same ones whatever their order', async () => {
  const A = Array.from({ length: 500 }, (_, at) => `10.0.${at >> 8}.${at & 255}`)
  const SRV = Array.from({ length: 1_100 }, (_, at) => ({ name: 'a.test', port: 1_000 + at, priority: at < 200 ? 1 : 0 }))
  await using server = await dnsServer({ [name]: { SRV }, 'a.test': { A } })
  using seen = watching(dnsSrv(name, { servers: [server.address], family: 4 }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.lists[0]).toHaveLength(1_000 * 100)
  const targets = new Map(seen.lists[0]?.map(({ url, priority }) => [new URL(String(url)).port, priority]))
  expect([...targets.values()].filter((priority) => priority === 0)).toHaveLength(900)
  server.records.set('a.test', { A: A.toReversed() })
  await seen.advanceUntil(() => seen.lists.length === 2, 1_000)
  expect(seen.urls).toEqual(seen.lists[0]?.map(({ url }) => url))
})

describe('weight 0', () => {
  const weights = (...given: number[]) =>
    srvServers(given.map((weight, at) => ({ name: `h${at}`, port: 80, priority: 0, weight }))).map(({ weight }) => weight)

  test('is equal where all have it', () => {
    expect(weights(0, 0)).toEqual([0.5, 0.5])
  })

  test('is a small chance beside others: one in their sum and one, together', () => {
    expect(weights(60, 0, 39, 0)).toEqual([60, 0.5, 39, 0.5])
  })

  test('is never a weight that drains, whatever the records are', () => {
    const record = fc.record({
      name: fc.constantFrom('a', 'b', '.', ''),
      port: fc.nat(65_535),
      priority: fc.nat(3),
      weight: fc.constantFrom(0, 0, 1, 65_535),
    })
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const servers = srvServers(records)
        expect(servers.every(({ weight, host }) => weight > 0 && host.length === 1 && host !== '.')).toBe(true)
        expect(servers.map(({ priority }) => priority)).toEqual(servers.map(({ priority }) => priority).toSorted((a, b) => a - b))
      }),
      { seed: 7 },
    )
  })
})
