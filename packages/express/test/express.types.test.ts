import { chain, type Handler, type Middleware, text } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import { expectTypeOf, test } from 'vitest'

const adds: Middleware<{}, { readonly who: string }> = (ctx, next) => next(ctx.with({ who: 'ada' }))
const needs: Middleware<{ readonly who: string }> = (ctx, next) => next(ctx)
const answers: Handler = () => text('x')

test('what layers have learned has their types', () => {
  expectTypeOf(toExpress(adds).state).returns.toEqualTypeOf<Readonly<{ readonly who: string }>>()
  expectTypeOf(toExpress(chain().use(adds).use(needs)).state).returns.toEqualTypeOf<Readonly<{ readonly who: string }>>()
  expectTypeOf(toExpress(answers).state).returns.toEqualTypeOf<Readonly<{}>>()
})

test('a layer that needs what nobody has learned cannot be placed', () => {
  // @ts-expect-error
  toExpress(needs)
  // @ts-expect-error
  toExpress(chain<{ readonly who: string }>().use(needs))
})
