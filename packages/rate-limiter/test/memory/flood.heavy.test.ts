import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { memoryRateStore, type RateRule } from '@gatelet/rate-limiter'
import { seededRandom } from '@gatelet/testing'
import { expect, test } from 'vitest'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const KEYS = process.env['HEAVY_SHORT'] === '1' ? 500_000 : 5_000_000
const hour = 3_600_000
const rules: readonly RateRule[] = [
  { algorithm: 'gcra', name: 'a', limit: 10, windowMs: hour, burst: 10 },
  { algorithm: 'fixed', name: 'a', limit: 10, windowMs: hour },
  { algorithm: 'sliding', name: 'a', limit: 10, windowMs: hour },
]

test.each(rules)('$algorithm: millions of random keys take at most 120 bytes each', async (rule) => {
  const { random, used } = scene()
  const before = await used()
  const store = memoryRateStore({ maxKeys: 2 * KEYS })
  for (let key = 0; key < KEYS; key++) store.take([{ rule, key: address(random), cost: 1 }])
  const bytes = ((await used()) - before) / KEYS
  console.log(`${rule.algorithm}: ${bytes.toFixed(1)} bytes a key of ${KEYS}`)
  expect(bytes).toBeLessThan(120)
  // What it says of itself is what it takes.
  expect(Math.abs(store.bytes / KEYS - bytes)).toBeLessThan(5)
})

test.each(rules)('$algorithm: beyond the bound memory stays flat, and the count of a victim goes on', async (rule) => {
  const { random, used } = scene()
  const store = memoryRateStore({ maxKeys: KEYS / 10 })
  const passed = (times: number) => {
    let found = 0
    for (let asked = 0; asked < times; asked++) if (store.take([{ rule, key: 'victim', cost: 1 }])[0]?.allowed) found++
    return found
  }
  expect(passed(7)).toBe(7)
  for (let key = 0; key < KEYS / 5; key++) store.take([{ rule, key: address(random), cost: 1 }])
  const [bytes, memory] = [store.bytes, await used()]
  for (let key = 0; key < KEYS; key++) store.take([{ rule, key: address(random), cost: 1 }])
  expect(store.bytes).toBe(bytes)
  expect((await used()) - memory).toBeLessThan(2 * 1_024 * 1_024)
  expect(passed(10)).toBe(3)
})

/** An address of IPv6, which nobody has used before. */
function address(random: () => number): string {
  const part = () => Math.floor(random() * 65_536).toString(16)
  return `2001:db8:${part()}:${part()}:${part()}::/64`
}

function scene() {
  const used = async () => {
    // What the test before has left goes late: array buffers are freed behind the collector's back.
    for (let time = 0; time < 5; time++) {
      gc()
      await setTimeout(20)
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  return { random: seededRandom(5), used }
}
