import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { EjectionRecord } from '../src/ejection.ts'
import { ejectionRules } from '../src/ejection-options.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const rules = ejectionRules({})
const OUTCOMES = 5_000

test('an outcome is counted without allocating', () => {
  const record = new EjectionRecord()
  const success = { kind: 'success', latencyMs: 1, status: 200 } as const
  const failure = { kind: 'failure', latencyMs: 1, status: 500 } as const
  let now = 0
  let least = Number.POSITIVE_INFINITY
  // The least of many rounds: until the engine has compiled it, numbers are objects.
  for (let round = 0; round < 300 && least >= 1; round++) {
    collectGarbage()
    const before = getHeapStatistics().used_heap_size
    for (let done = 0; done < OUTCOMES; done++) {
      now += 3
      record.learn(done % 7 === 0 ? failure : success, now, rules)
    }
    least = Math.min(least, (getHeapStatistics().used_heap_size - before) / OUTCOMES)
  }
  expect(least).toBeLessThan(1)
  expect(record.window.total).toBeGreaterThan(8_000)
})
