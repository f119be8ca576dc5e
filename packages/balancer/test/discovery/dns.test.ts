import { dns } from '@gatelet/balancer'
import { baseline, dnsServer } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { watching } from './watching.ts'

const name = 'orders.test'
// A silent server is given up soon: these are real milliseconds.
const quick = { timeoutMs: 150, tries: 1 }

test('finds the addresses of both families, in an order of its own', async () => {
  await using server = await dnsServer({ [name]: { A: ['10.0.0.2', '10.0.0.1'], AAAA: ['fd00::1'] } })
  using seen = watching(dns(name, { port: 8080, path: '/v1', servers: [server.address] }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.urls).toEqual(['http://10.0.0.1:8080/v1', 'http://10.0.0.2:8080/v1', 'http://[fd00::1]:8080/v1'])
  expect(seen.failures).toEqual([])
})

test.each([
  [4, ['https://10.0.0.1:443'], ['A']],
  [6, ['https://[fd00::1]:443'], ['AAAA']],
] as const)('asks for family %s alone where that is wanted, and takes the port of the scheme', async (family, urls, types) => {
  await using server = await dnsServer({ [name]: { A: ['10.0.0.1'], AAAA: ['fd00::1'] } })
  using seen = watching(dns(name, { scheme: 'https', family, servers: [server.address] }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.urls).toEqual(urls)
  expect(server.queries.map(({ type }) => type)).toEqual(types)
})

test('looks again when the shortest TTL is over, and not before', async () => {
  await using server = await dnsServer({ [name]: { A: ['10.0.0.1'], ttl: 5 } })
  using seen = watching(dns(name, { servers: [server.address] }))
  await seen.when(() => seen.lists.length === 1)
  server.records.set(name, { A: ['10.0.0.9'], ttl: 5 })
  await seen.clock.advance(4_999)
  expect(server.queries).toHaveLength(2)
  await seen.clock.advance(1)
  await seen.when(() => seen.lists.length === 2)
  expect(seen.urls).toEqual(['http://10.0.0.9:80'])
})

test.each([
  ['at least minTtlMs', 0, 1_500],
  ['at most maxTtlMs', 86_400, 60_000],
  ['at most maxTtlMs of the longest TTL', 2 ** 31 - 1, 60_000],
  ['at least minTtlMs of a TTL that is none', 2 ** 31, 1_500],
])('waits %s', async (_, ttl, ms) => {
  await using server = await dnsServer({ [name]: { A: ['10.0.0.1'], ttl } })
  using seen = watching(dns(name, { servers: [server.address], minTtlMs: 1_500, maxTtlMs: 60_000 }))
  await seen.when(() => seen.lists.length === 1)
  await seen.clock.advance(ms - 1)
  expect(seen.clock.pending).toBe(1)
  expect(server.queries).toHaveLength(2)
  await seen.clock.advance(1)
  await seen.when(() => seen.lists.length === 2)
})

test.each([
  ['that is not there', {}],
  ['without addresses', { [name]: {} }],
])('finds nobody for a name %s', async (_, records) => {
  await using server = await dnsServer(records)
  using seen = watching(dns(name, { servers: [server.address] }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.urls).toEqual([])
  expect(seen.failures).toEqual([])
})

test('names each address once', async () => {
  await using server = await dnsServer({ [name]: { A: ['10.0.0.1', '10.0.0.1'] } })
  using seen = watching(dns(name, { servers: [server.address] }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.urls).toEqual(['http://10.0.0.1:80'])
})

test('reads the longest answer that there can be, over TCP', async () => {
  const A = Array.from({ length: 4_090 }, (_, at) => `10.1.${at >> 8}.${at & 255}`)
  await using server = await dnsServer({ [name]: { A } })
  server.fault = { kind: 'truncate' }
  using seen = watching(dns(name, { servers: [server.address] }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.urls).toHaveLength(4_090)
  expect(server.queries.filter(({ over }) => over === 'tcp')).toHaveLength(2)
})

describe('where a look fails', () => {
  test.each([
    ['servfail', /ESERVFAIL/],
    ['refused', /EREFUSED/],
    ['silence', /ETIMEOUT/],
    ['garbage', /EBADRESP|ETIMEOUT|ENODATA|EBADQUERY/],
  ] as const)('it tells of %s, says nothing of endpoints, and looks again', async (kind, message) => {
    await using server = await dnsServer({ [name]: { A: ['10.0.0.1'] } })
    server.fault = { kind }
    using seen = watching(dns(name, { servers: [server.address], ...quick }))
    await seen.when(() => seen.failures.length === 1)
    expect(seen.failures[0]).toMatch(message)
    expect(seen.lists).toEqual([])
    server.fault = undefined
    await seen.advanceUntil(() => seen.lists.length === 1)
    expect(seen.urls).toEqual(['http://10.0.0.1:80'])
  })

  test('it waits longer and longer, by chance, up to the longest wait', async () => {
    await using server = await dnsServer({})
    server.fault = { kind: 'refused' }
    using seen = watching(dns(name, { servers: [server.address], ...quick, family: 4, maxRetryMs: 4_000 }))
    const at: number[] = []
    for (let failures = 1; failures <= 12; failures++) {
      await seen.advanceUntil(() => seen.failures.length === failures, 10)
      at.push(seen.clock.now())
    }
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0))
    // Up to 10 ms of each are the steps of this test.
    for (const [index, gap] of gaps.entries()) expect(gap).toBeLessThanOrEqual(Math.min(4_000, 500 * 2 ** index) + 100)
    expect(new Set(gaps).size).toBeGreaterThan(3)
  })

  test('for one family, the other counts, with what was found of the first before', async () => {
    await using server = await dnsServer({ [name]: { A: ['10.0.0.1'], AAAA: ['fd00::1'], ttl: 1 } })
    using seen = watching(dns(name, { servers: [server.address], ...quick }))
    await seen.when(() => seen.lists.length === 1)
    server.fault = { kind: 'servfail', type: 'AAAA' }
    server.records.set(name, { A: ['10.0.0.2'], ttl: 1 })
    await seen.advanceUntil(() => seen.lists.length === 2)
    expect(seen.urls).toEqual(['http://10.0.0.2:80', 'http://[fd00::1]:80'])
    expect(seen.failures).toEqual([expect.stringMatching(/queryAaaa ESERVFAIL/)])
  })
})

test('ends at once, in the middle of a look, and leaves nothing open', async () => {
  const before = baseline()
  {
    await using server = await dnsServer({})
    server.fault = { kind: 'silence' }
    const seen = watching(dns(name, { servers: [server.address], timeoutMs: 60_000 }))
    await server.when(({ queries }) => queries.length > 0)
    seen.end()
    await seen.clock.advance(120_000)
    expect(seen.clock.pending).toBe(0)
    expect(seen.failures).toEqual([])
  }
  await before.settled()
})
