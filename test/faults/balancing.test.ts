import { once } from 'node:events'
import { createServer } from 'node:http'
import { createBalancer, dns, leastRequests, peakEwma } from '@gatelet/balancer'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { call, calls, type DnsServer, dnsServer, origins, rawRequest, simulate, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { fronts } from '../attack/support/fronts.ts'
import { message, statuses } from '../attack/support/room.ts'
import { load } from './support/load.ts'
import { played } from './support/scene.ts'
import { answers, fine, type hangs, headOf, says } from './support/servers.ts'

// What happens to a set of endpoints.

const get = message('GET /x')

describe.each(fronts)('on $name', (front) => {
  test('all endpoints down is 503 at once; they are asked again without being told to', async () => {
    await using farm = await origins(2)
    await farm.stop(0)
    await farm.stop(1)
    await played({ front, servers: [], balancer: { ejection: { consecutiveFailures: 1 } } }, async ({ port, balancer }) => {
      for (const url of farm.urls) balancer.add(url)
      const took: number[] = []
      for (let asked = 0; asked < 5; asked++) {
        const from = performance.now()
        expect(statuses(await rawRequest(port, get))).toEqual([503])
        took.push(performance.now() - from)
      }
      // 5 ms is asked for; ten times that, and for the quickest, since the machine may be busy.
      expect(Math.min(...took)).toBeLessThan(50)
      await farm.start(0)
      expect(statuses(await rawRequest(port, get))).toEqual([200])
    })
  })

  test('no endpoint at all is 503', async () => {
    await played({ front, servers: [] }, async ({ port }) => {
      expect(statuses(await rawRequest(port, get))).toEqual([503])
    })
  })

  test('an endpoint that answers 500 to all, and fast, attracts no more than ten requests', async () => {
    const broken = says('HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno')
    await played(
      { front, servers: [broken, answers, answers], balancer: { strategy: 'least-requests' } },
      async ({ port, attempts }) => {
        for (let asked = 0; asked < 60; asked++) await rawRequest(port, get)
        expect(attempts.filter((kind) => kind === 'failure').length).toBeLessThanOrEqual(10)
      },
    )
  })

  test('an endpoint that is removed ends what it has begun, and begins nothing more', async () => {
    let answer = () => {}
    const slow = async (connection: Parameters<typeof hangs>[0]) => {
      await headOf(connection)
      answer = () => connection.write(fine('begun'))
    }
    await played({ front, servers: [slow], proxy: { timeouts: { headersMs: 5_000 } } }, async ({ port, balancer, servers }) => {
      const begun = rawRequest(port, get)
      await servers[0]?.when((server) => server.connections[0]?.received.includes('\r\n\r\n'))
      const [endpoint] = balancer.endpoints
      const removed = balancer.remove(endpoint?.id ?? '')
      expect(statuses(await rawRequest(port, get))).toEqual([503])
      answer()
      expect((await begun).responses[0]?.text).toBe('begun')
      expect(await removed).toBe(true)
      // Nor is its connection kept.
      await servers[0]?.when((server) => server.connections.every(({ closed }) => closed !== 'open'))
    })
  })

  test('weights of 0 take no requests; all 0 is 503', async () => {
    await played({ front, servers: [answers, answers] }, async ({ port, balancer, asked }) => {
      const [first, second] = balancer.endpoints.map(({ id }) => id)
      balancer.setWeight(first ?? '', 0)
      for (let at = 0; at < 6; at++) expect(statuses(await rawRequest(port, get))).toEqual([200])
      expect(asked()[0]).toBe(0)
      balancer.setWeight(second ?? '', 0)
      expect(statuses(await rawRequest(port, get))).toEqual([503])
      balancer.setWeight(first ?? '', 1)
      expect(statuses(await rawRequest(port, get))).toEqual([200])
    })
  })

  test('servers that are restarted one after the other, ten times, lose no request', async () => {
    await using farm = await origins(3, { keepRequests: 1 })
    await played({ front, servers: [], balancer: { strategy: 'two-choices' } }, async ({ port, balancer }) => {
      await balancer.replace(farm.urls)
      const { more, stop } = load(port)
      for (let restart = 0; restart < 10; restart++) {
        await farm.stop(restart % 3)
        await more()
        await farm.start(restart % 3)
        // A request that met this restart must not meet the next one too.
        await more()
      }
      expect((await stop()).filter((status) => status !== 200)).toEqual([])
    })
  })

  test('a hundred requests at once, where four have room and ten may wait, are fourteen answers and eighty-six refusals at once', async () => {
    let release = () => {}
    const isReleased = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = async (connection: Parameters<typeof hangs>[0]) => {
      while (await headOf(connection)) void isReleased.then(() => connection.write(fine()))
    }
    const balancer = { limits: { perEndpoint: 4 }, queue: { size: 10, timeoutMs: 8_000 } }
    await played(
      { front, servers: [slow], balancer, proxy: { timeouts: { headersMs: 8_000 } } },
      async ({ port, ends, ended }) => {
        const asked = Array.from({ length: 100 }, () => rawRequest(port, get))
        await ended(86)
        expect(new Set(ends)).toEqual(new Set(['finished 503']))
        release()
        const replies = (await Promise.all(asked)).flatMap(statuses)
        expect(replies.filter((status) => status === 200)).toHaveLength(14)
      },
    )
  })

  test('a hundred changes of the whole set under load lose no request', async () => {
    await using farm = await origins(4, { keepRequests: 1 })
    await played({ front, servers: [] }, async ({ port, balancer }) => {
      await balancer.replace(farm.urls.slice(0, 2))
      const { more, stop } = load(port)
      const replacing: Promise<boolean>[] = []
      for (let change = 0; change < 100; change++) {
        replacing.push(balancer.replace(farm.urls.slice(change % 3, (change % 3) + 2)))
        await more()
      }
      expect((await stop()).filter((status) => status !== 200)).toEqual([])
      expect(await Promise.all(replacing)).toEqual(replacing.map(() => true))
      expect(farm.servers.every(({ hits }) => hits > 0)).toBe(true)
    })
  })
})

test('an endpoint that is added while others work begins with less than its share', async () => {
  await using farm = await origins(3, { keepRequests: 1 })
  const clock = virtualClock()
  const balancer = createBalancer({
    endpoints: farm.urls.slice(0, 2),
    slowStart: { windowMs: 60_000 },
    strategy: 'round-robin',
    clock,
  })
  const forward = proxy(balancer)
  await clock.advance(120_000)
  balancer.add(farm.urls[2] ?? '')
  await calls(forward, 60)
  const early = farm.servers[2]?.hits ?? 0
  expect(early).toBeLessThan(10)
  await clock.advance(120_000)
  await calls(forward, 60)
  expect((farm.servers[2]?.hits ?? 0) - early).toBe(20)
  await forward.close()
  await balancer.close()
})

describe('names in DNS', () => {
  const name = 'orders.test'

  const happenings: readonly (readonly [string, (server: DnsServer) => unknown])[] = [
    ['that vanish', ({ records }) => records.delete(name)],
    ['that have no addresses any more', ({ records }) => records.set(name, {})],
    ['whose server fails', (server) => Object.assign(server, { fault: { kind: 'servfail' } })],
    ['whose server is silent', (server) => Object.assign(server, { fault: { kind: 'silence' } })],
  ]

  test.each(happenings)('%s keep the last good set', async (_, happens) => {
    await using farm = await origins(1)
    await using server = await dnsServer({ [name]: { A: ['127.0.0.1', '127.0.0.1'], ttl: 1 } })
    const clock = virtualClock()
    const port = farm.servers[0]?.port ?? 0
    const source = dns(name, { port, family: 4, servers: [server.address], timeoutMs: 150, tries: 1 })
    const balancer = createBalancer({ endpoints: source, clock })
    await balancer.ready()
    // Twice the same address is one endpoint.
    expect(balancer.endpoints).toHaveLength(1)
    happens(server)
    await clock.advance(1_000)
    await expect.poll(() => balancer.discovery?.state).toBe('stale')
    const forward = proxy(balancer)
    expect((await call(forward)).status).toBe(200)
    await forward.close()
    await balancer.close()
  })

  test('that are not there at the start are waited for by ready(); until then it is 503', async () => {
    await using server = await dnsServer({})
    server.fault = { kind: 'servfail' }
    await using farm = await origins(1)
    const port = farm.servers[0]?.port ?? 0
    const clock = virtualClock()
    const source = dns(name, { port, family: 4, servers: [server.address], timeoutMs: 150, tries: 1, maxRetryMs: 1_000 })
    const balancer = createBalancer({ endpoints: source, clock })
    const ready = balancer.ready()
    await expect.poll(() => balancer.discovery?.lastError?.code).toBe('DISCOVERY_FAILED')
    const forward = proxy(balancer)
    expect((await call(forward)).status).toBe(503)
    server.fault = undefined
    server.records.set(name, { A: ['127.0.0.1'] })
    await clock.advance(1_000)
    await ready
    expect((await call(forward)).status).toBe(200)
    await forward.close()
    await balancer.close()
  })

  test('with a thousand addresses are a thousand endpoints', async () => {
    const A = Array.from({ length: 1_000 }, (_, at) => `10.0.${at >> 8}.${at & 255}`)
    await using server = await dnsServer({ [name]: { A } })
    const balancer = createBalancer({ endpoints: dns(name, { family: 4, servers: [server.address] }), clock: virtualClock() })
    await balancer.ready()
    expect(balancer.endpoints).toHaveLength(1_000)
    await balancer.close()
  })

  test('whose answer changes lead to the new servers, and no request is lost', async () => {
    await using server = await dnsServer({ [name]: { A: ['127.0.0.1'], ttl: 1 } })
    await using farm = await origins(1, { keepRequests: 1 })
    const port = farm.servers[0]?.port ?? 0
    // Another machine, at the same port.
    const other = createServer((_, res) => void res.end('other')).listen(port, '127.0.0.2')
    await once(other, 'listening')
    const clock = virtualClock()
    const source = dns(name, { port, family: 4, servers: [server.address] })
    const balancer = createBalancer({ endpoints: source, clock })
    await balancer.ready()
    const forward = proxy(balancer)
    const front = await serve(forward, { port: 0, host: '127.0.0.1' })
    const { more, stop } = load(front.port)
    await more()
    server.records.set(name, { A: ['127.0.0.2'], ttl: 1 })
    await clock.advance(1_000)
    await expect.poll(() => balancer.endpoints.map(({ id }) => id)).toEqual([`http://127.0.0.2:${port}`])
    await more()
    expect((await stop()).filter((status) => status !== 200)).toEqual([])
    expect((await rawRequest(front.port, get)).responses[0]?.text).toBe('other')
    // The old one is let go of.
    await farm.servers[0]?.when(({ sockets }) => sockets === 0)
    await front.close()
    await forward.close()
    await balancer.close()
    other.closeAllConnections()
    other.close()
  })
})

test.each([
  ['least-requests', leastRequests],
  ['peak-ewma', peakEwma()],
])('an endpoint that is ten times slower gets less than 15 in a hundred by %s', (_, strategy) => {
  const { endpoints } = simulate({
    strategy,
    endpoints: [{ id: 'slow', slowness: 10 }, {}, {}, {}],
    arrivals: { perSecond: 50, requests: 20_000 },
    serviceTimes: { meanMs: 20 },
  })
  expect(endpoints.find(({ id }) => id === 'slow')?.share).toBeLessThan(0.15)
})
