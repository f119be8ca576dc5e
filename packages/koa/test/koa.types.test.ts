import { chain, type Handler, type Middleware, text } from '@gatelet/core'
import { toKoa } from '@gatelet/koa'
import { expectTypeOf, test } from 'vitest'

const adds: Middleware<{}, { readonly who: string }> = (ctx, next) => next(ctx.with({ who: 'ada' }))
const needs: Middleware<{ readonly who: string }> = (ctx, next) => next(ctx)
const answers: Handler = () => text('x')

test('what layers have learned has their types', () => {
  expectTypeOf(toKoa(adds).state).returns.toEqualTypeOf<Readonly<{ readonly who: string }>>()
  expectTypeOf(toKoa(chain().use(adds).use(needs)).state).returns.toEqualTypeOf<Readonly<{ readonly who: string }>>()
  expectTypeOf(toKoa(answers).state).returns.toEqualTypeOf<Readonly<{}>>()
})

test('a layer that needs what nobody has learned cannot be placed', () => {
  // @ts-expect-error
  toKoa(needs)
  // @ts-expect-error
  toKoa(chain<{ readonly who: string }>().use(needs))
})
