import { chain, json, type Middleware } from '@gatelet/core'
import { byPrincipal, type RateGrant, rateLimit } from '@gatelet/rate-limiter'
import { expect, expectTypeOf, test } from 'vitest'

interface Known {
  readonly principal: { readonly subject: string }
}

const auth: Middleware<{}, Known> = (ctx, next) => next(ctx.with({ principal: { subject: 'ada' } }))

test('a key reads the state of the layers in front', () => {
  const limited = chain()
    .use(auth)
    .use(rateLimit({ limit: 1000, per: '1h', key: (ctx) => ctx.state.principal.subject }))
    .use(rateLimit({ limit: 1000, per: '1h', key: byPrincipal() }))
    .use(rateLimit({ policies: [{ name: 'hour', limit: 20, per: '1h', key: (ctx) => ctx.state.principal.subject }] }))
    .to(() => json({}))
  expect(limited).toBeTypeOf('function')
})

test('a key that needs a principal does not compile before the layer that adds it', () => {
  // @ts-expect-error there is no principal yet
  chain().use(rateLimit({ limit: 1000, per: '1h', key: byPrincipal() }))
  // @ts-expect-error there is no principal yet
  chain().use(rateLimit({ limit: 1000, per: '1h', key: (ctx) => ctx.state.principal.subject }))
})

test('the grant stands in the state under the name that was chosen', () => {
  chain()
    .use(rateLimit({ limit: 10_000, per: '1m', as: 'tokens' }))
    .to((ctx) => {
      expectTypeOf(ctx.state.tokens).toEqualTypeOf<RateGrant>()
      return json({})
    })
  chain()
    .use(auth)
    .use(rateLimit({ limit: 10_000, per: '1m', as: 'tokens', key: (ctx) => ctx.state.principal.subject }))
    .to((ctx) => {
      expectTypeOf(ctx.state.tokens).toEqualTypeOf<RateGrant>()
      return json({ you: ctx.state.principal.subject })
    })
})

test('without a name nothing is added', () => {
  chain()
    .use(rateLimit({ limit: 10, per: '1m' }))
    .to((ctx) => {
      expectTypeOf(ctx.state).toEqualTypeOf<Readonly<{}>>()
      return json({})
    })
})
