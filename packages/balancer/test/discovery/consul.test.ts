import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { consul } from '@gatelet/balancer'
import { baseline, type ConsulInstance, consulServer } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { nextIndex } from '../../src/discovery/consul.ts'
import { consulEndpoints } from '../../src/discovery/consul-answer.ts'
import { watching } from './watching.ts'

const MIB = 1024 * 1024

const instance = (at: number, more: Partial<ConsulInstance> = {}): ConsulInstance => ({
  ...{ ID: `orders-${at}`, Address: `10.0.0.${at}`, Port: 8080 },
  ...more,
})

test('finds instances with weight, zone and metadata', async () => {
  await using server = await consulServer()
  const more = {
    Tags: ['v2'],
    Meta: { version: '2' },
    Weights: { Passing: 7, Warning: 1 },
    Locality: { Region: 'eu', Zone: 'eu-1' },
  }
  server.set('orders', [instance(1, more)])
  using seen = watching(consul('orders', { address: server.url }))
  await seen.when(() => seen.lists.length === 1)
  expect(seen.lists[0]).toEqual([
    {
      url: 'http://10.0.0.1:8080',
      weight: 7,
      zone: 'eu-1',
      metadata: { version: '2', consul: { id: 'orders-1', node: 'node-1', datacenter: 'dc1', tags: ['v2'] } },
    },
  ])
})

test('asks as it is told to', async () => {
  await using server = await consulServer()
  server.token = 's3cret'
  const asking = {
    tags: ['a', 'b'],
    filter: 'Service.Port > 1',
    datacenter: 'dc2',
    near: '_agent',
    namespace: 'team',
    waitMs: 60_000,
  }
  using seen = watching(consul('a b/c', { address: server.url, token: () => 's3cret\n', ...asking }))
  await seen.when(() => seen.lists.length === 1)
  const { path, query } = server.requests[0] ?? { path: '', query: new URLSearchParams() }
  expect(path).toBe('/v1/health/service/a%20b%2Fc')
  expect([...query]).toEqual([
    ['passing', '1'],
    ['tag', 'a'],
    ['tag', 'b'],
    ['filter', 'Service.Port > 1'],
    ['dc', 'dc2'],
    ['near', '_agent'],
    ['ns', 'team'],
    ['wait', '60000ms'],
  ])
})

test('sees a change at once: the agent answers when there is one', async () => {
  await using server = await consulServer()
  server.set('orders', [instance(1)])
  using seen = watching(consul('orders', { address: server.url }))
  await seen.advanceUntil(() => server.waiting === 1, 10)
  expect(server.requests.at(-1)?.query.get('index')).toBe(String(server.index))
  server.set('orders', [instance(1), instance(2)])
  await seen.when(() => seen.urls.length === 2)
})

test('begins anew when the index goes backwards', async () => {
  await using server = await consulServer()
  server.set('orders', [instance(1)])
  using seen = watching(consul('orders', { address: server.url }))
  await seen.advanceUntil(() => server.waiting === 1, 10)
  server.restore(3)
  await seen.advanceUntil(() => server.waiting === 1 && server.requests.length > 3, 10)
  expect(server.requests.map(({ query }) => query.get('index'))).toEqual([null, '11', null, '3'])
})

test.each([
  ['grows', '12', 11, 12],
  ['stays', '11', 11, 11],
  ['goes backwards', '10', 11, 0],
  ['is 0', '0', 0, 0],
  ['is negative', '-3', 0, 0],
  ['is no number', 'x', 5, 0],
  ['is too large to be counted', '18446744073709551615', 5, 0],
  ['is infinite', '1e999', 5, 0],
  ['is missing', undefined, 5, 0],
])('an index that %s', (_, said, before, next) => {
  expect(nextIndex(said, before)).toBe(next)
})

describe('where a look fails', () => {
  test.each([
    ['status', { kind: 'status', status: 500, times: 1 }, /answered .*orders with 500/],
    ['garbage', { kind: 'garbage', times: 1 }, /not JSON/],
    ['reset', { kind: 'reset', times: 1 }, /ECONNRESET|socket hang up/],
    ['reset in the middle', { kind: 'reset-mid-body', times: 1 }, /aborted|ECONNRESET/],
  ] as const)('it tells of a fault (%s), and looks again at once answered', async (_, fault, message) => {
    await using server = await consulServer()
    server.set('orders', [instance(1)])
    server.fault = { ...fault }
    using seen = watching(consul('orders', { address: server.url }))
    await seen.when(() => seen.failures.length === 1)
    expect(seen.failures[0]).toMatch(message)
    await seen.advanceUntil(() => seen.lists.length === 1)
  })

  test('it forgets the index, so that what was missed is seen', async () => {
    await using server = await consulServer()
    server.set('orders', [instance(1)])
    using seen = watching(consul('orders', { address: server.url }))
    await seen.advanceUntil(() => server.waiting === 1, 10)
    server.stop()
    await seen.when(() => seen.failures.length === 1)
    await server.start()
    await seen.advanceUntil(() => server.waiting === 1, 10)
    expect(server.requests.slice(2).map(({ query }) => query.get('index'))).toEqual([null, '11'])
  })

  test('an agent that never answers is given up a little after the wait', async () => {
    await using server = await consulServer()
    server.fault = { kind: 'hang', times: 1 }
    using seen = watching(consul('orders', { address: server.url, waitMs: 16_000 }))
    await server.when(({ requests }) => requests.length === 1)
    await seen.clock.advance(26_999)
    expect(seen.failures).toEqual([])
    await seen.clock.advance(1)
    await seen.when(() => seen.failures.length === 1)
    expect(seen.failures[0]).toMatch(/took longer than 27000 ms/)
  })

  test('an answer that does not end is left at 64 MiB', async () => {
    let sent = 0
    const agent = createServer((_, res) => {
      const more = () => {
        while (res.writable && sent < 100 * MIB) {
          sent += MIB
          if (!res.write(Buffer.alloc(MIB, ' '))) return
        }
      }
      res.on('drain', more).writeHead(200)
      more()
    })
    agent.listen(0, '127.0.0.1')
    await once(agent, 'listening')
    const address = `http://127.0.0.1:${(agent.address() as AddressInfo).port}`
    using seen = watching(consul('orders', { address }))
    await seen.when(() => seen.failures.length === 1)
    expect(seen.failures[0]).toMatch(/answered with more than 67108864 bytes/)
    expect(sent).toBeLessThan(100 * MIB)
    agent.closeAllConnections()
    agent.close()
    await once(agent, 'close')
  })

  test('a token that is refused is a failure that does not show it; the next one is asked for', async () => {
    await using server = await consulServer()
    server.token = 'new'
    const tokens = ['old', 'new']
    using seen = watching(consul('orders', { address: server.url, token: async () => tokens.shift() ?? 'new' }))
    await seen.advanceUntil(() => seen.lists.length === 1)
    expect(seen.failures).toEqual([expect.stringMatching(/with 403$/)])
  })
})

describe('an answer', () => {
  const entry = (status: unknown, weights?: unknown) => ({
    Node: { Address: '10.9.9.9' },
    Service: { ID: 'a', Address: '', Port: 80, Weights: weights },
    Checks: [{ Status: 'passing' }, { Status: status }],
  })

  test('leaves out what is critical, in maintenance or of a status that nobody knows', () => {
    expect(consulEndpoints([entry('critical'), entry('maintenance'), entry(7)], { onlyPassing: false })).toEqual([])
  })

  test('gives what has a warning its weight for that, if it is wanted at all', () => {
    expect(consulEndpoints([entry('warning', { Passing: 9, Warning: 2 })], { onlyPassing: false })).toMatchObject([{ weight: 2 }])
    expect(consulEndpoints([entry('warning')], {})).toEqual([])
  })

  test('has the address of the node where the service has none, and IPv6 in brackets', () => {
    expect(consulEndpoints([entry('passing')], {})).toMatchObject([{ url: 'http://10.9.9.9:80' }])
    const six = { ...entry('passing'), Service: { Address: 'fd00::1', Port: 80 } }
    expect(consulEndpoints([six], {})).toMatchObject([{ url: 'http://[fd00::1]:80' }])
  })

  test.each([
    ['10.0.0.1/admin', 80],
    ['a@10.0.0.1', 80],
    ['10.0.0.1?', 80],
    ['10.0.0.1#', 80],
    ['10.0.0.1:81', 80],
    ['10.0.0.1', 0],
    ['10.0.0.1', undefined],
    ['10.0.0.1', '80/x'],
  ])('with the address %j and the port %j leads nowhere', (Address, Port) => {
    const [found] = consulEndpoints([{ ...entry('passing'), Service: { Address, Port } }], {})
    expect(URL.canParse(String(found?.url))).toBe(false)
  })

  test.each([[null], [{}], ['x'], [undefined]])('that is %s is a failure', (answer) => {
    expect(() => consulEndpoints(answer, {})).toThrow(/not a list/)
  })

  test.each([[[null]], [[7, 'x', []]], [[{ Service: null, Checks: {} }]]])(
    'with entries that are none throws nothing',
    (answer) => {
      expect(() => consulEndpoints(answer, {})).not.toThrow()
    },
  )
})

test('ends in the middle of a query, and leaves nothing open', async () => {
  const before = baseline()
  {
    await using server = await consulServer()
    const seen = watching(consul('orders', { address: server.url }))
    await seen.advanceUntil(() => server.waiting === 1, 10)
    seen.end()
    await server.when(({ sockets }) => sockets === 0)
    expect(seen.clock.pending).toBe(0)
    expect(seen.failures).toEqual([])
  }
  await before.settled()
})
