import { type Context, chain, type Handler, type Middleware, text } from '@gatelet/core'
import { createRouter, type RouteState, redirect, requestHeaders, requestId, responseHeaders, rewrite } from '@gatelet/router'
import { describe, expect, expectTypeOf, test } from 'vitest'

function serve(_handler: Handler): void {}

const handler: Handler = () => text('x')
const named: Middleware<{}, { user: string }> = (ctx, next) => next(ctx.with({ user: 'ada' }))

test('a path that names parameters needs a route that captures them', () => {
  expectTypeOf(rewrite({ path: '/v2/:id' })).toEqualTypeOf<Middleware<{ params: { readonly id?: string | number } }>>()
  expectTypeOf(rewrite({ path: '/v2' })).toEqualTypeOf<Middleware>()
  expectTypeOf(rewrite({ prefix: '/v2' })).toEqualTypeOf<Middleware>()
  expectTypeOf(rewrite({ path: '/v2' as string })).toEqualTypeOf<Middleware>()
  createRouter()
    .get('/users/:id', rewrite({ path: '/v2/:id' }), handler)
    .get('/people/:id', redirect({ path: '/users/:id' }))
    .mount('/all/*rest', redirect({ path: '/*rest' }))
    .route({ path: '/bills/:id', where: { id: 'int' } }, rewrite({ path: '/v2/:id' }), handler)
  const ofAnyRoute: Middleware<RouteState> = rewrite({ path: '/v2/:id' })
  createRouter().get('/:id' as string, ofAnyRoute, handler)
  // @ts-expect-error the route captures another one
  createRouter().get('/users/:name', rewrite({ path: '/v2/:id' }), handler)
  // @ts-expect-error the route captures another one
  createRouter().get('/users/:name', redirect({ path: '/v2/:id' }))
  const unrouted = chain()
  // @ts-expect-error there is no route
  unrouted.use(rewrite({ path: '/v2/:id' }))
})

test('a redirect is a handler and a layer', () => {
  serve(redirect({ path: '/x' }))
  serve(
    chain()
      .use(redirect({ scheme: 'https' }))
      .to(handler),
  )
  serve(
    chain()
      .use(named)
      .use(redirect({ scheme: 'https' }))
      .to((ctx) => text(ctx.state.user)),
  )
  serve(createRouter().get('/', redirect({ scheme: 'https' }), handler))
})

describe('values that functions make', () => {
  test('see the state of the layers in front', () => {
    const user = requestHeaders({ set: { 'x-user': (ctx: Context<{ user: string }>) => ctx.state.user } })
    serve(chain().use(named).use(user).to(handler))
    serve(
      chain()
        .use(named)
        .use(requestHeaders({ set: { 'x-user': (ctx) => ctx.state.user } }))
        .to(handler),
    )
    serve(
      chain()
        .use(named)
        .use(responseHeaders({ add: { 'x-user': (ctx, reply) => `${ctx.state.user} ${reply.status}` } }))
        .to(handler),
    )
    createRouter().get('/:tenant', requestHeaders({ set: { 'x-tenant': (ctx) => ctx.state.params.tenant } }), handler)
    // @ts-expect-error nobody in front learns the user
    serve(chain().use(user).to(handler))
  })

  test('are texts', () => {
    // @ts-expect-error a number
    requestHeaders({ set: { 'x-a': () => 1 } })
    // @ts-expect-error a number
    expect(() => responseHeaders({ add: { 'x-a': 1 } })).toThrow('a text')
  })
})

test('a request id is in the state of those behind', () => {
  serve(
    chain()
      .use(requestId())
      .to((ctx) => text(ctx.state.requestId)),
  )
})
