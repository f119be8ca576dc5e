import { type Context, chain, type Handler, json, type Middleware } from '@gatelet/core'
import { aggregate, createRouter, type JsonValue, type Part, part, type RouteState, type StandardSchema } from '@gatelet/router'
import { describe, expect, expectTypeOf, test } from 'vitest'

interface User {
  readonly account: number
}

const from: Handler = () => json({})
const readUser = (_: JsonValue): User => ({ account: 1 })
const needsUser: Handler<{ principal: { subject: string } }> = () => json({})
const auth: Middleware<{}, { principal: { subject: string } }> = (ctx, next) => next(ctx.with({ principal: { subject: 'ann' } }))

describe('a part', () => {
  test('gives JSON, or what its reader makes of it', () => {
    expectTypeOf(part({ from })).toEqualTypeOf<Part<JsonValue, {}>>()
    expectTypeOf(part({ from, read: readUser })).toEqualTypeOf<Part<User, {}>>()
    expectTypeOf(part({ from, read: async (value) => String(value) })).toEqualTypeOf<Part<string, {}>>()
    const validate = () => ({ value: { account: 1 } })
    const schema: StandardSchema<{ account: string }, User> = { '~standard': { version: 1, vendor: 'test', validate } }
    expectTypeOf(part({ from, read: schema })).toEqualTypeOf<Part<User, {}>>()
  })

  test('gets the results of those that it needs, by their names, without a type being written', () => {
    const user = part({ from, read: readUser })
    const anything = part({ from })
    part({
      from,
      after: { user, anything },
      request: (_, earlier) => {
        expectTypeOf(earlier.user).toEqualTypeOf<User>()
        expectTypeOf(earlier.anything).toEqualTypeOf<JsonValue>()
        return { path: '/orders/:of', params: { of: earlier.user.account } }
      },
    })
    // @ts-expect-error it is not among those that are needed
    part({ from, after: { user }, request: (_, { cart }) => `/orders/${cart}` })
    // @ts-expect-error a user has no name
    part({ from, after: { user }, request: (_, { user: { name } }) => `/orders/${name}` })
    // @ts-expect-error not made by part
    expect(() => part({ from, after: { user: { from } } })).toThrow('after.user must be made by part()')
  })

  test('needs the state that its handler, its request and its earlier parts read', () => {
    const mine = part({ from: needsUser })
    expectTypeOf(mine).toEqualTypeOf<Part<JsonValue, { principal: { subject: string } }>>()
    const byParam = part({ from, request: (ctx: Context<{ params: { id: string } }>) => `/x/${ctx.state.params.id}` })
    expectTypeOf(byParam).toEqualTypeOf<Part<JsonValue, { params: { id: string } }>>()
    expectTypeOf(part({ from, after: { mine } })).toEqualTypeOf<Part<JsonValue, { principal: { subject: string } }>>()
  })
})

describe('an aggregate', () => {
  const mine = part({ from: needsUser })
  const byParam = part({ from, request: (ctx: Context<{ params: { id: string } }>) => `/x/${ctx.state.params.id}` })

  test('needs the state of its parts', () => {
    expectTypeOf(aggregate({ x: part({ from }) })).toEqualTypeOf<Handler<{}>>()
    expectTypeOf(aggregate({ mine })).toEqualTypeOf<Handler<{ principal: { subject: string } }>>()
    chain()
      .use(auth)
      .to(aggregate({ mine, x: part({ from }) }))
    createRouter().get('/:id', auth, aggregate({ mine, byParam }))
    // @ts-expect-error nobody says who it is
    chain().to(aggregate({ mine }))
    // @ts-expect-error the path has no id
    createRouter().get('/:name', aggregate({ byParam }))
  })

  test('needs the params that the path of a part names', () => {
    const user = part({ from, request: '/users/:id', read: readUser })
    createRouter().get('/:id', aggregate({ user, x: part({ from, request: '/x/:id', optional: true }), mine: part({ from }) }))
    createRouter().route({ path: '/:id', where: { id: 'int' } }, aggregate({ user }))
    // @ts-expect-error the path has no id
    createRouter().get('/:name', aggregate({ user }))
    const ofAnyRoute: Handler<RouteState> = aggregate({ user })
    createRouter().get('/:id' as string, ofAnyRoute)
  })

  test('tells parts that are written in place what state there is', () => {
    const user = part({ from, read: readUser })
    createRouter().get(
      '/home/:id',
      auth,
      aggregate({
        user,
        one: part({ from, request: (ctx) => ({ path: `/x/${ctx.state.params.id}/${ctx.state.principal.subject}` }) }),
        two: part({ from, after: { user }, request: (ctx, { user }) => `/x/${ctx.state.params.id}/${user.account}` }),
      }),
    )
    // @ts-expect-error the path has no name
    createRouter().get('/home/:id', aggregate({ user: part({ from, request: (ctx) => `/x/${ctx.state.params.name}` }) }))
    // @ts-expect-error nobody has said who it is
    createRouter().get('/:id', aggregate({ user: part({ from, request: (ctx) => `/${ctx.state.principal.subject}` }) }))
    // @ts-expect-error nor is there any state
    aggregate({ user: part({ from, request: (ctx) => `/${ctx.state.principal.subject}` }) })
  })
})
