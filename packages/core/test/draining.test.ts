import { Exchange, onDrain } from '@gatelet/core'
import { exchange, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'

const request = exchange('/').ctx.request

function opened() {
  const inner = new Exchange({ inform() {} }, virtualClock())
  return { inner, ctx: inner.open(request) }
}

test('who lasts longer than a reply hears once when the server goes down, and until when', () => {
  const { inner, ctx } = opened()
  const told: number[] = []
  onDrain(ctx.with({ user: 'ada' }), (cutAt) => told.push(cutAt))
  inner.drain(5_000)
  inner.drain(1_000)
  expect(told).toEqual([5_000])
})

test('who comes later hears it too', async () => {
  const { inner, ctx } = opened()
  inner.drain(5_000)
  const told: number[] = []
  onDrain(ctx, (cutAt) => told.push(cutAt))
  onDrain(ctx, () => told.push(-1))()
  await Promise.resolve()
  expect(told).toEqual([5_000])
})

test('nothing is heard after the undo, nor when the exchange is over', async () => {
  const { inner, ctx } = opened()
  const told: number[] = []
  onDrain(ctx, (cutAt) => told.push(cutAt))()
  inner.drain(5_000)
  const over = opened()
  onDrain(over.ctx, (cutAt) => told.push(cutAt))
  over.inner.finish(over.ctx, 'finished', 200)
  over.inner.drain(5_000)
  onDrain(over.ctx, (cutAt) => told.push(cutAt))
  await Promise.resolve()
  expect(told).toEqual([])
})

test('a context that no adapter has made hears nothing', () => {
  const { ctx } = opened()
  expect(onDrain({ ...ctx }, () => {})()).toBeUndefined()
})
