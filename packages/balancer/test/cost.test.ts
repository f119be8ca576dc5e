import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createBalancer } from '@gatelet/balancer'
import { expect, test } from 'vitest'
import { EjectionRecord } from '../src/ejection.ts'
import { ejectionRules } from '../src/ejection-options.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const rules = ejectionRules({})
const OUTCOMES = 5_000

/** How many bytes one call of `act` allocates, at the least of many rounds: until the engine has compiled it, numbers are objects. */
function bytesOf(act: () => void, enough: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 300 && least >= enough; round++) {
    collectGarbage()
    const before = getHeapStatistics().used_heap_size
    for (let done = 0; done < OUTCOMES; done++) act()
    least = Math.min(least, (getHeapStatistics().used_heap_size - before) / OUTCOMES)
  }
  return least
}

test('a request that is picked, answered and released costs the lease of 80 bytes and a few numbers', () => {
  const balancer = createBalancer({ endpoints: ['http://a.test', 'http://b.test', 'http://c.test'] })
  const ask = { tried: [] }
  const outcome = { kind: 'success', latencyMs: 1, status: 200 } as const
  const once = () => {
    const lease = balancer.acquire(ask)
    if (!('endpoint' in lease)) throw new Error('refused')
    lease.answered(outcome)
    lease.release()
  }
  expect(bytesOf(once, 160)).toBeLessThan(160)
})

test('an outcome is counted without allocating', () => {
  const record = new EjectionRecord()
  const success = { kind: 'success', latencyMs: 1, status: 200 } as const
  const failure = { kind: 'failure', latencyMs: 1, status: 500 } as const
  let now = 0
  let done = 0
  const learn = () => {
    now += 3
    record.learn(done++ % 7 === 0 ? failure : success, now, rules)
  }
  expect(bytesOf(learn, 1)).toBeLessThan(1)
  expect(record.window.total).toBeGreaterThan(8_000)
})
