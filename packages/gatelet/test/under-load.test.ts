import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { type BalancerOptions, createBalancer } from '@gatelet/balancer'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { baseline, calls, type OriginsOptions, origins } from '@gatelet/testing'
import { expect, onTestFinished, test } from 'vitest'

async function scene(count: number, options: Partial<BalancerOptions>, origin: OriginsOptions = {}) {
  const farm = await origins(count, { keepRequests: 1, ...origin })
  const balancer = createBalancer({ endpoints: farm.urls, ...options })
  const forwarder = proxy(balancer)
  const server = await serve(forwarder, { port: 0, host: '127.0.0.1' })
  onTestFinished(async () => {
    await server.close({ graceMs: 0 })
    await forwarder.close()
    await balancer.close()
    await farm.close()
  })
  return { farm, balancer, forwarder, server }
}

test.each([0, 1])('after an outage of both servers, number %i alone takes everything from its first request on', async (back) => {
  const { farm, forwarder } = await scene(2, {})
  await calls(forwarder, 10)
  await Promise.all([farm.stop(0), farm.stop(1)])
  const during = await calls(forwarder, 60)
  expect(during.every(({ status }) => status === 503)).toBe(true)
  await farm.start(back)
  const after = await calls(forwarder, 60)
  expect(after.filter(({ status }) => status !== 200)).toEqual([])
})

test.each(['peak-ewma', 'least-requests'] as const)(
  '%s sends less than 15 percent to a server that is ten times slower',
  async (strategy) => {
    const served = async (ms: number) => setTimeout(ms)
    const { farm, server } = await scene(
      3,
      { strategy },
      { handler: (_req, res, { id }) => void served(id === 0 ? 300 : 30).then(() => res.end('served')) },
    )
    const client = async () => {
      for (let asked = 0; asked < 50; asked++) await (await fetch(server.url)).text()
    }
    await Promise.all(Array.from({ length: 12 }, client))
    expect(farm.hits).toBe(600)
    expect(farm.servers[0]?.hits).toBeLessThan(90)
  },
)

test('a server that hangs holds what it may and the queue holds what it may; the others are told when to come back', async () => {
  const { farm, server } = await scene(1, { limits: { perEndpoint: 2 }, queue: { size: 3, timeoutMs: 30_000 } })
  const [origin] = farm.servers
  if (!origin) throw new Error('there is none')
  origin.fault = { kind: 'hang-before-headers' }
  const answers: Response[] = []
  const asked = Array.from({ length: 10 }, async () => answers.push(await fetch(server.url)))
  await expect.poll(() => answers.length).toBe(5)
  expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(Array(5).fill([503, '30']))
  expect(origin.hits).toBe(2)
  origin.fault = undefined
  origin.release()
  await Promise.all(asked)
  expect(answers.slice(5).map(({ status }) => status)).toEqual(Array(5).fill(200))
  expect(origin.hits).toBe(5)
})

test('1,000 clients that leave while they wait leave nothing in flight, and no socket', async () => {
  const { farm, balancer, server } = await scene(2, { limits: { perEndpoint: 40 }, queue: { size: 100 } })
  for (const origin of farm.servers) origin.fault = { kind: 'hang-before-headers' }
  const before = baseline()
  const inflight = () => balancer.endpoints.reduce((sum, endpoint) => sum + endpoint.inflight, 0)
  for (let round = 0; round < 10; round++) {
    const asked = farm.hits
    // Eighty wait for a server, twenty for a place.
    const clients = Array.from({ length: 100 }, () => leaving(server.port))
    await expect.poll(inflight).toBe(80)
    // More where one that waited got the place of one that left, just before it left as well.
    await expect.poll(() => farm.hits).toBeGreaterThanOrEqual(asked + 80)
    for (const client of clients) client.resetAndDestroy()
    await expect.poll(inflight).toBe(0)
  }
  await before.settled()
  expect(balancer.endpoints.map(({ state, consecutiveFailures }) => [state, consecutiveFailures])).toEqual(
    Array(2).fill(['active', 0]),
  )
  for (const origin of farm.servers) origin.fault = undefined
  expect((await fetch(server.url)).status).toBe(200)
})

function leaving(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  void once(socket, 'connect').then(() => socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n'))
  return socket
}
