import { GatewayError, stopReason } from '@gatelet/core'
import { exchange } from '@gatelet/testing'
import { expect, test } from 'vitest'

test('says why an exchange was stopped, also where the signal of a layer did it', () => {
  const left = exchange()
  left.abort()
  expect(stopReason(left.ctx).code).toBe('CLIENT_CLOSED')
  const { ctx } = exchange()
  const late = new GatewayError('DEADLINE_EXCEEDED')
  expect(stopReason(ctx.withSignal(AbortSignal.abort(late)))).toBe(late)
  const timeout = new DOMException('too late', 'TimeoutError')
  expect(stopReason(ctx.withSignal(AbortSignal.abort(timeout)))).toMatchObject({ code: 'DEADLINE_EXCEEDED', cause: timeout })
  expect(stopReason(ctx.withSignal(AbortSignal.abort('enough'))).code).toBe('CLIENT_CLOSED')
})
