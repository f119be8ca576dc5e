import { type Context, chain, type Handler, json, type Middleware, text } from '@gatelet/core'
import { createRouter, type RouteState, validate } from '@gatelet/router'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const number = z.string().transform(Number)

describe('what was validated is typed in the state', () => {
  test('by zod, valibot and arktype, each in its part', () => {
    chain()
      .use(
        validate({
          query: v.object({ page: v.pipe(v.string(), v.transform(Number)) }),
          headers: type({ 'x-tenant': 'string' }),
          body: z.object({ name: z.string(), tags: z.array(z.string()).optional() }),
        }),
      )
      .to((ctx) => {
        expectTypeOf(ctx.state.valid.query).toEqualTypeOf<{ page: number }>()
        expectTypeOf(ctx.state.valid.headers).toEqualTypeOf<{ 'x-tenant': string }>()
        expectTypeOf(ctx.state.valid.body).toEqualTypeOf<{ name: string; tags?: string[] | undefined }>()
        // @ts-expect-error nobody has validated them
        return json(ctx.state.valid.params)
      })
  })

  test('in a route, beside its params', () => {
    createRouter().get('/users/:id', validate({ params: z.object({ id: number }) }), (ctx) => {
      expectTypeOf(ctx.state.valid.params).toEqualTypeOf<{ id: number }>()
      expectTypeOf(ctx.state.params.id).toBeString()
      return text('x')
    })
  })

  test('through two layers, both of which it keeps', () => {
    chain()
      .use(validate({ query: z.object({ a: z.string() }) }))
      .use(validate({ body: z.number() }))
      .to(({ state }) => {
        expectTypeOf(state.valid.query.a).toBeString()
        expectTypeOf(state.valid.body).toBeNumber()
        return text('x')
      })
  })

  test('in a router behind it', () => {
    chain()
      .use(validate({ query: z.object({ tenant: z.string() }) }))
      .to(
        createRouter((router) => {
          router.get('/users/:id', validate({ params: z.object({ id: number }) }), ({ state }) => {
            expectTypeOf(state.valid.query.tenant).toBeString()
            expectTypeOf(state.valid.params.id).toBeNumber()
            return text('x')
          })
        }),
      )
  })
})

describe('params that a route does not have', () => {
  const anything: Handler = () => text('x')

  test('are refused by the compiler', () => {
    createRouter().get('/:id', validate({ params: z.object({ id: z.string() }) }), anything)
    createRouter().get('/:id/:more', validate({ params: z.object({ id: z.string() }) }), anything)
    // @ts-expect-error the pattern calls it otherwise
    createRouter().get('/:name', validate({ params: z.object({ id: z.string() }) }), anything)
    // @ts-expect-error a param is a text
    createRouter().get('/:id', validate({ params: z.object({ id: z.number() }) }), anything)
    // @ts-expect-error so it is for others
    createRouter().get('/:id', validate({ params: v.object({ id: v.number() }) }), anything)
    // @ts-expect-error and for these
    createRouter().get('/:id', validate({ params: type({ id: 'number' }) }), anything)
  })

  test('are refused where there is no router', () => {
    // @ts-expect-error nobody gave params
    chain().use(validate({ params: z.object({ id: z.string() }) }))
    chain<RouteState<'/:id'>>().use(validate({ params: z.object({ id: z.string() }) }))
  })
})

test('the layer is a middleware whose type can be written', () => {
  const layer = validate({ body: z.object({ a: z.string() }) })
  expectTypeOf(layer).toExtend<Middleware<{}, { readonly valid: { readonly body: { a: string } } }>>()
  const handler = (ctx: Context<{ valid: { body: { a: string } } }>) => text(ctx.state.valid.body.a)
  expectTypeOf(chain().use(layer).to(handler)).toEqualTypeOf<Handler>()
})

test('what is no schema, and what is no option, is refused', () => {
  // @ts-expect-error it is no schema
  const wrong = () => validate({ body: { type: 'object' } })
  // @ts-expect-error there is no such option
  const unknown = () => validate({ body: z.string(), bodies: z.string() })
  expectTypeOf(wrong).toBeFunction()
  expectTypeOf(unknown).toBeFunction()
})
