import { createBalancer } from '@gatelet/balancer'
import { proxy } from '@gatelet/proxy'
import { calls, origins } from '@gatelet/testing'
import { expect, onTestFinished, test } from 'vitest'

type Health = NonNullable<Parameters<typeof createBalancer>[0]['health']>

async function scene(count: number, health?: Health) {
  const farm = await origins(count, { keepRequests: 1 })
  const balancer = createBalancer({ endpoints: farm.urls, strategy: 'least-requests', ...(health ? { health } : {}) })
  const forwarder = proxy(balancer)
  onTestFinished(async () => {
    await forwarder.close()
    await balancer.close()
    await farm.close()
  })
  return { farm, balancer, forwarder }
}

test('a server that always answers 500 gets less than 2 % of the requests once it is ejected', async () => {
  const { farm, balancer, forwarder } = await scene(3)
  const [bad] = farm.servers
  if (bad) bad.fault = { kind: 'status', status: 500 }
  const replies = await calls(forwarder, 1_000)
  expect(balancer.endpoints.map(({ state }) => state)).toEqual(['ejected', 'active', 'active'])
  expect(bad?.hits).toBeLessThan(20)
  expect(replies.filter(({ status }) => status === 500).length).toBeLessThan(20)
})

test('checks find a dead server before a request does, and a server that is back', async () => {
  const health = { path: '/', intervalMs: 20, failingIntervalMs: 10, timeoutMs: 500 }
  const { farm, balancer, forwarder } = await scene(2, health)
  await balancer.ready()
  await farm.stop(0)
  await expect.poll(() => balancer.endpoints[0]?.state).toBe('unhealthy')
  const replies = await calls(forwarder, 50)
  expect(replies.every(({ status }) => status === 200)).toBe(true)
  expect(balancer.endpoints[0]?.consecutiveFailures).toBe(0)
  await farm.start(0)
  await expect.poll(() => balancer.endpoints[0]?.state).toBe('active')
})

test('after an outage of all, requests are answered as soon as one server is back', async () => {
  const { farm, forwarder } = await scene(3)
  for (const at of [0, 1, 2]) await farm.stop(at)
  const during = await calls(forwarder, 30)
  expect(during.every(({ status }) => status === 503)).toBe(true)
  await farm.start(1)
  const after = await calls(forwarder, 30)
  expect(after.every(({ status }) => status === 200)).toBe(true)
})
