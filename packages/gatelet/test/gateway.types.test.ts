import type { ManagedBalancer } from '@gatelet/balancer'
import { chain, createGateway, type Handler, type Layer, type Middleware, text } from 'gatelet'
import { expectTypeOf, test } from 'vitest'

interface Principal {
  principal: string
}
const addsPrincipal: Middleware<{}, Principal> = (ctx, next) => next(ctx.with({ principal: 'a' }))
const needsPrincipal: Middleware<Principal> = (ctx, next) => next(ctx)
const tenant: Middleware<{ params: Readonly<Record<string, string>> }> = (ctx, next) => next(ctx)

test('a route leads to an upstream that there is', () => {
  const users = { endpoints: [] }
  createGateway({ upstreams: { users }, routes: [{ path: '/', to: 'users' }] })
  // @ts-expect-error there is no usres
  const wrong = () => createGateway({ upstreams: { users }, routes: [{ path: '/', to: 'usres' }] })
  expectTypeOf(wrong).toBeFunction()
})

test('upstreams are found by their names', () => {
  const gateway = createGateway({ upstreams: { users: { endpoints: [] }, orders: { endpoints: [] } }, routes: [] })
  expectTypeOf(gateway.upstreams.orders).toEqualTypeOf<ManagedBalancer>()
  expectTypeOf(gateway.upstreams).not.toHaveProperty('usres')
  expectTypeOf(gateway).toExtend<Handler>()
  expectTypeOf(gateway).toExtend<Layer>()
})

test('a layer that needs a state stands behind the one that adds it', () => {
  const upstreams = {}
  const to = () => text('x')
  createGateway({ upstreams, routes: [{ path: '/', to }], use: [addsPrincipal, chain().use(addsPrincipal).use(needsPrincipal)] })
  createGateway({ upstreams, routes: [{ path: '/:team', to, use: [tenant, addsPrincipal, chain().use(addsPrincipal)] }] })
  // @ts-expect-error nobody gives the principal
  createGateway({ upstreams, routes: [], use: [needsPrincipal] })
  // @ts-expect-error nobody gives the principal
  createGateway({ upstreams, routes: [{ path: '/', to, use: [needsPrincipal] }] })
  // @ts-expect-error params are known inside a route only
  createGateway({ upstreams, routes: [], use: [tenant] })
})

test('inline layers and handlers get their types', () => {
  createGateway({
    upstreams: {},
    use: [
      async (ctx, next) => {
        expectTypeOf(ctx.state).toEqualTypeOf<Readonly<{}>>()
        return next(ctx)
      },
    ],
    routes: [
      {
        path: '/:id',
        use: [(ctx, next) => (ctx.state.params['id'] === '0' ? text('no', 403) : next(ctx))],
        to: (ctx) => text(ctx.state.route),
      },
    ],
  })
})
