// Two workers of a cluster that share what they know: run by share-in-cluster.test.ts, which reads what they print.
import cluster from 'node:cluster'
import { setInterval } from 'node:timers/promises'
import { createBalancer, relayBetweenWorkers, shareAcrossWorkers } from '@gatelet/balancer'
import { isLease } from '@gatelet/core'

const endpoints = ['a', 'b', 'c'].map((id) => ({ id, url: 'http://127.0.0.1:9' }))

async function until(isSo: () => boolean, told: string): Promise<void> {
  for await (const _ of setInterval(5)) if (isSo()) break
  console.log(told)
}

async function work(id: number): Promise<void> {
  let checks = 0
  const check = () => ++checks > 0
  const balancer = createBalancer({ endpoints, health: { type: 'call', check, intervalMs: 20 } })
  const share = shareAcrossWorkers(balancer, { name: 'orders', heartbeatMs: 50 })
  process.on('warning', ({ message }) => console.log(`${id} is warned: ${message}`))
  for (let other = 0; other < 12; other++) shareAcrossWorkers(createBalancer({ endpoints }), { name: `other ${other}` })
  await until(() => share.peers === 1, `${id} sees the other`)
  if (id === 1) {
    for (let time = 0; time < 5; time++) {
      const lease = balancer.tryAcquire({ tried: balancer.endpoints.filter((endpoint) => endpoint.id !== 'a') })
      if (isLease(lease)) lease.answered({ kind: 'failure', latencyMs: 1 })
    }
    balancer.setWeight('b', 5)
    await until(() => balancer.endpoints[2]?.weight === 0, '1 drains c')
    process.exit()
  }
  const [a, b] = balancer.endpoints
  await until(() => a?.state === 'ejected' && b?.weight === 5, '2 has ejected a')
  await until(() => !share.isChecking, '2 leaves checks to 1')
  void balancer.drain('c')
  await until(() => share.peers === 0 && share.isChecking, '2 is alone')
  const before = checks
  await until(() => checks > before, '2 checks')
  process.exit()
}

if (cluster.isPrimary) {
  relayBetweenWorkers()
  cluster.fork()
  cluster.fork()
} else void work(cluster.worker?.id ?? 0)
