import { createBalancer } from '@gatelet/balancer'
import { proxy } from '@gatelet/proxy'
import { call, origins } from '@gatelet/testing'
import { expect, test } from 'vitest'

test('half of all answers being failures makes no storm: a fifth more attempts than requests, and some to begin with', async () => {
  let turn = 0
  await using farm = await origins(4, {
    keepRequests: 1,
    // Every other request breaks, wherever it is. No connection is kept: one that breaks when it is used again is no failure.
    handler: (req, res) =>
      void (turn++ % 2 === 0 ? req.socket.resetAndDestroy() : res.setHeader('connection', 'close').end('fine')),
  })
  const balancer = createBalancer({ endpoints: farm.urls, ejection: false })
  const forward = proxy(balancer, { retries: { max: 3, baseMs: 1, maxMs: 1 } })
  const count = 1_000
  for (let asked = 0; asked < count; asked++) await (await call(forward)).text()
  expect(farm.hits).toBeGreaterThan(count * 1.1)
  // 20 % of them, and 3 for each second that this takes.
  expect(farm.hits).toBeLessThanOrEqual(count * 1.2 + 3 * 20)
  await forward.close()
  await balancer.close()
})
