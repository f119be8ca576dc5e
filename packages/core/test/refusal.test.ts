import { refusalError } from '@gatelet/core'
import { expect, test } from 'vitest'

test.each([
  ['none-healthy', 'NO_ENDPOINT'],
  ['queue-full', 'QUEUE_FULL'],
  ['queue-timeout', 'QUEUE_TIMEOUT'],
  ['overloaded', 'OVERLOADED'],
  ['draining', 'DRAINING'],
] as const)('%s is a 503 %s', (reason, code) => {
  expect(refusalError({ reason })).toMatchObject({ code, status: 503, headers: {} })
})

test('the time to come back is told in whole seconds, none too few', () => {
  expect(refusalError({ reason: 'queue-full', retryAfterMs: 1_200 }).headers).toEqual({ 'retry-after': '2' })
})
