import { attemptMsOf, withAttemptMs } from '@gatelet/core'
import { exchange } from '@gatelet/testing'
import { expect, test } from 'vitest'

test('the time of one attempt is what a layer says, and of several the shortest', () => {
  const { ctx } = exchange('/', { state: { user: 'ada' } })
  expect(attemptMsOf(ctx)).toBeUndefined()
  const longer = withAttemptMs(ctx, 500)
  expect([attemptMsOf(longer), attemptMsOf(longer.with({ more: 1 })), longer.state]).toEqual([500, 500, longer.state])
  expect(longer.state).toMatchObject({ user: 'ada' })
  expect(attemptMsOf(withAttemptMs(longer, 200))).toBe(200)
  expect(attemptMsOf(withAttemptMs(longer, 900))).toBe(500)
  expect(attemptMsOf(ctx)).toBeUndefined()
})
