import { type Chain, type Context, chain, type Handler, handlerOf, type Layer, type Middleware, text } from '@gatelet/core'
import { expectTypeOf, test } from 'vitest'

interface Principal {
  principal: string
}

const needsPrincipal: Middleware<Principal> = (ctx, next) => next(ctx)
const members: Handler<Principal> = (ctx) => text(ctx.state.principal)

function accept(_layer: Layer): void {}

test('an adapter takes a handler, a layer and a chain, whatever they add', () => {
  expectTypeOf<Handler>().toExtend<Layer>()
  expectTypeOf<Middleware>().toExtend<Layer>()
  expectTypeOf<Middleware<{}, Principal>>().toExtend<Layer>()
  expectTypeOf<Chain<{}, {}>>().toExtend<Layer>()
  expectTypeOf<Chain<Principal, {}>>().toExtend<Layer>()
  expectTypeOf<Handler & { get(path: string): void }>().toExtend<Layer>()
  expectTypeOf(handlerOf).parameter(0).toEqualTypeOf<Layer>()
})

test('an adapter refuses what needs a state that nobody gave', () => {
  // @ts-expect-error it reads the principal
  accept(members)
  // @ts-expect-error it reads the principal
  accept(needsPrincipal)
  // @ts-expect-error it stands inside a chain that gives the principal
  accept(chain<Principal>())
})

test('inline functions given to an adapter get their types', () => {
  accept((ctx) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>()
    return text('x')
  })
  accept(async (ctx, next) => {
    expectTypeOf(next).toEqualTypeOf<Handler>()
    return next(ctx)
  })
})
