import { type Chain, type Context, chain, type Handler, type Layer, type Middleware, text } from '@gatelet/core'
import { call, calls } from '@gatelet/testing'
import { expectTypeOf, test } from 'vitest'

interface Named {
  name: string
}

const needy: Handler<Named> = (ctx) => text(ctx.state.name)
const needyLayer: Middleware<Named, { age: number }> = (ctx, next) => next(ctx.with({ age: 7 }))
const inner: Chain<Named & { age: number }, Named> = chain<Named>().use(needyLayer)
const state: Named = { name: 'ada' }

test('what is written inline gets its types', async () => {
  await call((ctx) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>()
    return text('x')
  })
  await call((ctx, next) => next(ctx), '/', {})
  await call((ctx) => text(ctx.state.name), '/', { state })
  await call((ctx, next) => next(ctx.with({ upper: ctx.state.name.toUpperCase() })), '/', { state })
  await calls((ctx) => text(ctx.request.method), 2)
  await calls((ctx) => text(ctx.state.name), 2, '/', { state })
})

test('handlers, layers and chains can be called, and get the state that they read', async () => {
  const layer: Layer = () => text('x')
  await call(layer)
  await call(chain())
  await call(chain().provide(() => state))
  await call(needy, '/', { state })
  await call(needyLayer, '/', { state })
  await call(inner, '/', { state })
})

test('what reads a state cannot be called without it', async () => {
  // @ts-expect-error no state
  const forgotten = () => call(needy)
  // @ts-expect-error no state
  const forgottenLayer = () => call(needyLayer, '/', {})
  // @ts-expect-error no state
  const forgottenChain = () => call(inner)
  // @ts-expect-error another state
  const other = () => call(needy, '/', { state: { age: 7 } })
  expectTypeOf([forgotten, forgottenLayer, forgottenChain, other]).toBeArray()
})
