import { json, text } from '@gatelet/core'
import { call, calls } from '@gatelet/testing'
import { expect, test } from 'vitest'

test('asks a handler and reads its reply', async () => {
  const reply = await call((ctx) => json({ path: ctx.request.url.path, method: ctx.request.method }), 'PUT /users/7?x=1')
  expect(await reply.json()).toEqual({ path: '/users/7', method: 'PUT' })
  expect(reply.exchange.summary).toMatchObject({ outcome: 'finished', status: 200 })
})

test('gives state to a handler that needs it', async () => {
  const reply = await call((ctx) => text(ctx.state.name), '/', { state: { name: 'ada' } })
  expect(await reply.text()).toBe('ada')
})

test('asks several times, one after another', async () => {
  const replies = await calls(() => text('x'), 3)
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200])
})

test('asks a layer with who answers behind it', async () => {
  const reply = await call(
    async (ctx, next) => {
      const inner = await next(ctx)
      inner.headers.set('x-layer', '1')
      return inner
    },
    '/',
    { next: () => text('inner') },
  )
  expect(await reply.text()).toBe('inner')
  expect(reply.headers.get('x-layer')).toBe('1')
})
