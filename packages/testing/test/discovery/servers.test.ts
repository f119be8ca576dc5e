import { createSocket } from 'node:dgram'
import { promises } from 'node:dns'
import { baseline, consulServer, dnsServer, kubernetesServer } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const resolverOf = (address: string) => {
  const resolver = new promises.Resolver({ timeout: 200, tries: 1 })
  resolver.setServers([address])
  return resolver
}

test('a DNS server answers what a resolver asks, with TTL', async () => {
  const SRV = [{ name: 'a.test', port: 8080, priority: 1, weight: 2 }]
  await using server = await dnsServer({ 'a.test': { A: ['10.0.0.1'], AAAA: ['fd00::1:2', '::1'], SRV, ttl: 7 } })
  const resolver = resolverOf(server.address)
  expect(await resolver.resolve4('A.test', { ttl: true })).toEqual([{ address: '10.0.0.1', ttl: 7 }])
  expect(await resolver.resolve6('a.test')).toEqual(['fd00::1:2', '::1'])
  expect(await resolver.resolveSrv('a.test')).toEqual([expect.objectContaining(SRV[0] ?? {})])
  expect(server.queries).toEqual(['A', 'AAAA', 'SRV'].map((type) => ({ name: 'a.test', type, over: 'udp' })))
})

test.each([
  [undefined, 'ENOTFOUND', 'other.test'],
  [undefined, 'ENODATA', 'a.test'],
  ['servfail', 'ESERVFAIL', 'a.test'],
  ['refused', 'EREFUSED', 'a.test'],
  ['silence', 'ETIMEOUT', 'a.test'],
] as const)('a DNS server with the fault %s makes a resolver say %s of %s', async (kind, code, name) => {
  await using server = await dnsServer({ 'a.test': {} })
  if (kind) server.fault = { kind }
  await expect(resolverOf(server.address).resolve4(name)).rejects.toMatchObject({ code })
})

test('a DNS server that truncates is asked again over TCP', async () => {
  const A = Array.from({ length: 500 }, (_, at) => `10.0.${at >> 8}.${at & 255}`)
  await using server = await dnsServer({ 'a.test': { A } })
  server.fault = { kind: 'truncate' }
  expect((await resolverOf(server.address).resolve4('a.test')).sort()).toEqual(A.toSorted())
  expect(server.queries.map(({ over }) => over)).toEqual(['udp', 'tcp'])
})

test('a DNS server takes no harm from what is no query', async () => {
  await using server = await dnsServer({ 'a.test': { A: ['10.0.0.1'] } })
  const client = createSocket('udp4')
  for (const bytes of ['', 'x', 'x'.repeat(100)]) client.send(bytes, Number(server.address.split(':')[1]), '127.0.0.1')
  expect(await resolverOf(server.address).resolve4('a.test')).toEqual(['10.0.0.1'])
  client.close()
})

test('any IPv6 address arrives as it was', async () => {
  await using server = await dnsServer()
  const resolver = resolverOf(server.address)
  await fc.assert(
    fc.asyncProperty(
      fc.ipV6().filter((address) => !address.includes('.')),
      async (address) => {
        server.records.set('a.test', { AAAA: [address] })
        const [found = ''] = await resolver.resolve6('a.test')
        expect(new URL(`http://[${found}]`).host).toBe(new URL(`http://[${address}]`).host)
      },
    ),
    { seed: 3, numRuns: 50 },
  )
})

test('Consul answers a blocking query when the index has grown, and the filter is applied', async () => {
  await using server = await consulServer()
  server.set('a', [{ ID: '1', Address: '10.0.0.1', Port: 1, status: 'critical' }])
  const blocked = fetch(`${server.url}/v1/health/service/a?passing&index=${server.index}`)
  await server.when(({ waiting }) => waiting === 1)
  server.set('a', [{ ID: '2', Address: '10.0.0.2', Port: 1 }])
  const answer = await blocked
  expect(answer.headers.get('x-consul-index')).toBe(String(server.index))
  expect(await answer.json()).toMatchObject([{ Service: { ID: '2' }, Checks: [{}, { Status: 'passing' }] }])
})

test('Kubernetes tells a watch what came after its version, and 410 for one that is forgotten', async () => {
  await using server = await kubernetesServer()
  const slices = `${server.url}/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=a`
  server.apply({ name: 'a-1', service: 'a', endpoints: [] })
  const { metadata } = (await (await fetch(slices)).json()) as { metadata: { resourceVersion: string } }
  server.apply({ name: 'a-2', service: 'a', endpoints: [] })
  const watch = await fetch(`${slices}&watch=1&resourceVersion=${metadata.resourceVersion}`)
  server.endWatches()
  expect(JSON.parse(await watch.text())).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a-2' } } })
  server.compact()
  expect((await fetch(`${slices}&watch=1&resourceVersion=${metadata.resourceVersion}`)).status).toBe(410)
})

test('all of them close and leave nothing open', async () => {
  const before = baseline()
  {
    await using names = await dnsServer({ 'a.test': { A: ['10.0.0.1'] } })
    await using _consul = await consulServer()
    await using _kubernetes = await kubernetesServer()
    await resolverOf(names.address).resolve4('a.test')
  }
  await before.settled()
})
