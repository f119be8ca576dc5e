import { expect, test } from 'vitest'
import { faultOf } from '../checks.ts'
import { type Payload, payloads } from '../payloads.ts'

const payload = payloads[0] as Payload
const total = { answered: 10_000, bytes: 10_000 * 1_300, failed: 0 }

test('finds no fault where every request was answered in full', () => {
  expect(faultOf(total, payload, 10_000, 0)).toBeUndefined()
})

test('allows for requests that were on their way when the load paused or stopped', () => {
  expect(faultOf(total, payload, 10_064, 0)).toBeUndefined()
  expect(faultOf(total, payload, 10_000 - 3 * 64, 2)).toBeUndefined()
})

test.each([
  ['answers failed', { ...total, failed: 1 }, 10_000, '1 of 10001 answers failed'],
  ['nothing was answered', { answered: 0, bytes: 0, failed: 0 }, 0, 'nothing was answered'],
  ['bodies were missing', { ...total, bytes: 10_000 * 1_000 }, 10_000, 'answers were too short'],
  ['requests were sent twice', total, 10_500, '10000 answers, but 10500 requests at the origin'],
  ['answers did not come from the origin', total, 9_000, '10000 answers, but 9000 requests at the origin'],
])('does not count a round in which %s', (_, seen, atOrigin, fault) => {
  expect(faultOf(seen, payload, atOrigin, 2)).toBe(fault)
})
