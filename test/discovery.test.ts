import { createBalancer, dns } from '@gatelet/balancer'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { consulServer, dnsServer, origins } from '@gatelet/testing'
import { consul } from 'gatelet/balancer'
import { expect, test } from 'vitest'
import { Load, total } from '../examples/demo/load.ts'

test('endpoints come and go under load, and the registry fails in between: no client sees it', async () => {
  await using farm = await origins(4, { keepRequests: 1 })
  await using registry = await consulServer()
  const publish = (...at: number[]) =>
    registry.set(
      'orders',
      at.map((id) => ({ ID: `o${id}`, Address: '127.0.0.1', Port: farm.servers[id]?.port ?? 0 })),
    )
  publish(0, 1)
  const balancer = createBalancer({
    endpoints: consul('orders', { address: registry.url, maxRetryMs: 100 }),
    discovery: { coalesceMs: 10 },
  })
  await balancer.ready()
  const forwarder = proxy(balancer)
  await using server = await serve(forwarder, { port: 0, host: '127.0.0.1' })
  const load = new Load(server.url, 200)
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise(setImmediate)
  }
  const ports = () => balancer.endpoints.map(({ id }) => Number(new URL(id).port)).sort()
  const portsOf = (...at: number[]) => at.map((id) => farm.servers[id]?.port).sort()
  const more = async () => {
    const sent = load.seen.sent
    await until(() => load.seen.sent >= sent + 40)
  }
  for (const at of [
    [1, 2],
    [2, 3],
    [0, 3],
    [0, 1, 2, 3],
  ]) {
    publish(...at)
    await until(() => String(ports()) === String(portsOf(...at)))
    await more()
  }
  registry.fault = { kind: 'status', status: 500 }
  registry.reset()
  await until(() => balancer.discovery?.state === 'stale')
  await more()
  expect(ports()).toEqual(portsOf(0, 1, 2, 3))
  registry.fault = undefined
  publish(1)
  await until(() => String(ports()) === String(portsOf(1)))
  await Promise.all([0, 2, 3].map((at) => farm.stop(at)))
  await more()
  const seen = await load.stop()
  expect(seen.failed).toEqual({})
  expect(total(seen.answered)).toBe(seen.sent)
  expect(farm.servers.every(({ hits }) => hits > 0)).toBe(true)
  await forwarder.close()
  await balancer.close()
}, 60_000)

test.each([
  ['leads to a server, through the proxy', undefined, 200, 1],
  ['that leads into our own network is left alone where the proxy keeps out of it', { addresses: {} }, 502, 0],
])('a name %s', async (_, options, status, hits) => {
  await using farm = await origins(1)
  await using names = await dnsServer({ 'orders.test': { A: ['127.0.0.1'] } })
  const port = farm.servers[0]?.port ?? 0
  const balancer = createBalancer({ endpoints: dns('orders.test', { port, servers: [names.address] }) })
  await balancer.ready()
  const forwarder = proxy(balancer, { host: 'orders.test', ...options })
  await using server = await serve(forwarder, { port: 0, host: '127.0.0.1' })
  expect((await fetch(server.url)).status).toBe(status)
  expect(farm.servers[0]?.requests.map(({ headers }) => headers.host)).toEqual(new Array(hits).fill('orders.test'))
  await forwarder.close()
  await balancer.close()
})
