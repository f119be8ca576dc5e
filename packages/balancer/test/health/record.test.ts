import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HealthRecord } from '../../src/health/record.ts'

const result = (passed: boolean) => ({ passed, at: 0, latencyMs: 1 })
const after = (script: string, rules = { rise: 2, fall: 3 }) => {
  const record = new HealthRecord(false)
  for (const letter of script) record.learn(result(letter === '+'), rules)
  return record.health
}

test.each([
  ['', 'unknown'],
  ['+', 'healthy'],
  ['-', 'unhealthy'],
  ['+--', 'healthy'],
  ['+---', 'unhealthy'],
  ['+--+--', 'healthy'],
  ['-+', 'unhealthy'],
  ['-+-+', 'unhealthy'],
  ['-++', 'healthy'],
])('after "%s" it is %s', (script, health) => {
  expect(after(script)).toBe(health)
})

test.each([
  [false, false],
  [true, true],
])('assumed down %s, it is down %s before the first result', (isAssumedDown, isDown) => {
  const record = new HealthRecord(isAssumedDown)
  expect(record.isDown).toBe(isDown)
  record.learn(result(true), { rise: 9, fall: 9 })
  expect(record.isDown).toBe(false)
})

test('changes only after as many results in a row as the rule says', () => {
  const rules = { rise: 3, fall: 2 }
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1 }), (results) => {
      const record = new HealthRecord(false)
      for (const [at, passed] of results.entries()) {
        const before = record.health
        const changed = record.learn(result(passed), rules)
        expect(changed).toBe(record.health !== before)
        if (!changed || before === 'unknown') continue
        const needed = passed ? rules.rise : rules.fall
        expect(results.slice(at + 1 - needed, at + 1)).toEqual(new Array<boolean>(needed).fill(passed))
      }
    }),
    { seed: 7 },
  )
})
