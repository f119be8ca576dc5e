import { type Context, chain, type Handler, type Middleware, text } from '@gatelet/core'
import { compress, cors, type Split, type SplitState, split } from '@gatelet/router'
import { expectTypeOf, test } from 'vitest'

interface Caller {
  caller: string
}

const named: Middleware<{}, Caller> = (ctx, next) => next(ctx.with({ caller: 'ann' }))

test('backends, keys and the functions of filters see the state of the layers in front', () => {
  const handler = chain()
    .use(named)
    .use(cors({ allowOrigins: (origin, ctx) => origin === `https://${ctx.state.caller}.example.com` }))
    .use(compress({ leaveOut: (ctx) => ctx.state.caller === 'ann' }))
    .to(
      split(
        [
          {
            to: (ctx) => {
              expectTypeOf(ctx).toEqualTypeOf<Context<Caller & SplitState>>()
              return text(ctx.state.caller + ctx.state.variant)
            },
          },
        ],
        { stickyBy: (ctx) => ctx.state.caller },
      ),
    )
  expectTypeOf(handler).toEqualTypeOf<Handler>()
})

test('what needs a state does not compile where there is none', () => {
  const wrong = [
    // @ts-expect-error there is no caller yet
    () => chain().use(cors({ allowOrigins: (_, ctx) => ctx.state.caller === 'ann' })),
    // @ts-expect-error there is no caller yet
    () => chain().use(compress({ leaveOut: (ctx) => ctx.state.caller === 'ann' })),
    // @ts-expect-error there is no caller yet
    () => chain().to(split([{ to: (ctx) => text(ctx.state.caller) }])),
    // @ts-expect-error a backend that is missing says so
    () => split([{ name: 'a' }]),
  ]
  expectTypeOf(wrong).items.toBeFunction()
  const needy = split<Caller>([{ to: (ctx) => text(ctx.state.caller) }])
  expectTypeOf(needy).toEqualTypeOf<Split<Caller>>()
  // @ts-expect-error there is no caller yet
  expectTypeOf(needy).toExtend<Handler>()
})
