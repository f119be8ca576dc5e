import { createBalancer } from '@gatelet/balancer'
import { subscribe } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { calls, origins, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'

const health = { path: '/healthz', intervalMs: 1_000, failingIntervalMs: 1_000, jitter: 0 }

test('a check that passes and fails by turns changes nothing: neither events nor traffic', async () => {
  let checks = 0
  await using farm = await origins(2, {
    handler(req, res, { id }) {
      if (req.url !== '/healthz') return void res.end('fine')
      if (id === 0) checks++
      res.writeHead(id === 0 && checks % 2 === 0 ? 500 : 200).end()
    },
  })
  const clock = virtualClock()
  const balancer = createBalancer({ endpoints: farm.urls, health, clock, strategy: 'round-robin' })
  const changes: unknown[] = []
  await expect.poll(() => checks).toBe(1)
  const stop = subscribe('endpoint:changed', (event) => changes.push(event))
  for (let expected = 2; expected <= 12; expected++) {
    await clock.advance(1_000)
    await expect.poll(() => checks).toBeGreaterThanOrEqual(expected)
  }
  const forward = proxy(balancer)
  const hits = farm.servers.map((server) => server.hits)
  await calls(forward, 10)
  expect(farm.servers.map((server, at) => server.hits - (hits[at] ?? 0))).toEqual([5, 5])
  expect(changes).toEqual([])
  stop()
  await forward.close()
  await balancer.close()
})

test('a check whose answer has no end, or that gets none, is over in time and leaves nothing', async () => {
  await using farm = await origins(2, {
    handler(_, res, { id }) {
      if (id === 0) return
      const more = () => {
        while (!res.destroyed && res.write('x'.repeat(65_536)));
      }
      res.on('drain', more)
      more()
    },
  })
  const clock = virtualClock()
  const balancer = createBalancer({ endpoints: farm.urls, health: { ...health, timeoutMs: 500 }, clock })
  await expect.poll(() => farm.hits).toBe(2)
  await clock.advance(500)
  for (const server of farm.servers) await server.when(({ sockets }) => sockets === 0)
  await balancer.close()
  expect(clock.pending).toBe(0)
})
