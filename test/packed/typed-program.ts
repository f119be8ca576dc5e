/**
 * What the types promise, as a program for compilers of any age: what must be inferred is used as what it is, and what must
 * be refused stands behind `@ts-expect-error`, which is itself an error where nothing is refused.
 */
export const typedProgram: string = `
import { chain, type Context, type Handler, json, type Middleware, type StateOf, text } from '@gatelet/core'
import {
  aggregate, createRouter, fromOpenAPI, type Params, part, type Router, securityHeaders, type StandardSchema, type Valid, validate, versions,
} from '@gatelet/router'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>): void => {}

interface Principal { principal: { subject: string } }
const auth: Middleware<{}, Principal> = (ctx, next) => next(ctx.with({ principal: { subject: 'ann' } }))
const perPrincipal: Middleware<Principal> = (ctx, next) => next(ctx)
declare const id: StandardSchema<{ id: string }, { id: number }>
declare const page: StandardSchema<unknown, { page: number }>
declare const user: StandardSchema<unknown, { name: string; tags?: string[] }>

// The order of layers
const members = chain().use(securityHeaders()).use(auth).use(perPrincipal).provide(() => ({ at: 7 }))
same<StateOf<typeof members>['at'], number>(true)
// @ts-expect-error nobody gave a principal
chain().use(perPrincipal)
// @ts-expect-error it promises a principal and adds none
const forgets: Middleware<{}, Principal> = (ctx, next) => next(ctx)

// Params
same<Params<'/teams/:team/*rest'>, { readonly team: string; readonly rest: string }>(true)
const api: Handler = members.to(createRouter((router) => {
  router.get('/users/:id', (ctx) => json([ctx.state.params.id.length, ctx.state.principal.subject, ctx.state.at.toFixed()]))
  router.route({ method: 'GET', path: '/orders/:order', where: { order: 'int' } }, (ctx) => text(ctx.state.params.order.toFixed()))
  router.mount('/teams/:team', createRouter((teams) => {
    teams.get('/:user', auth, ({ state }) => text(state.params.team + state.params.user + state.principal.subject))
    // @ts-expect-error :team is taken
    teams.get('/x/:team', () => text('x'))
  }))
  // @ts-expect-error the pattern has no name
  router.get('/things/:id', (ctx) => text(ctx.state.params.name))
}))

// What was validated
createRouter().put('/users/:id', validate({ params: id, query: page, body: user }), (ctx) => {
  same<typeof ctx.state.valid.params, { id: number }>(true)
  same<typeof ctx.state.valid.query, { page: number }>(true)
  same<typeof ctx.state.valid.body, { name: string; tags?: string[] }>(true)
  same<typeof ctx.state.params.id, string>(true)
  // @ts-expect-error nobody has validated them
  return json(ctx.state.valid.headers)
})
chain().use(validate({ query: page })).use(validate({ body: user })).to(({ state }) => text(state.valid.body.name + state.valid.query.page))
// @ts-expect-error the pattern calls it otherwise
createRouter().put('/users/:name', validate({ params: id }), () => text('x'))
// @ts-expect-error nobody gave params
chain().use(validate({ params: id }))
// @ts-expect-error it is no schema
validate({ body: { type: 'object' } })
const needsUser = (ctx: Context<{ valid: Valid<undefined, undefined, undefined, typeof user> }>) => text(ctx.state.valid.body.name)
export const putUser: Handler = chain().use(validate({ body: user })).to(needsUser)

// Versions, and an OpenAPI document
export const versioned: Handler = chain().use(auth).to(versions({
  by: { header: 'api-version' },
  default: '2',
  versions: {
    '1': ({ state }) => text(state.principal.subject + (state.version === '1')),
    '2': { handler: createRouter((router) => void router.get('/:id', ({ state }) => text(state.params.id + state.version))), sunset: '2027-01-01' },
  },
}))
// @ts-expect-error there is no such version
versions({ by: 'path', default: '3', versions: { '1': api } })
export const described: Promise<Router> = fromOpenAPI({ openapi: '3.1.0', paths: {} }, {
  fallback: (ctx) => json([ctx.state.operation.id?.length, ctx.state.valid.query['page'], ctx.state.valid.body]),
})

// Several backends in one reply
declare const backend: Handler
declare const asAccount: StandardSchema<unknown, { account: number }>
const account = part({ from: backend, request: '/users/:id', read: asAccount })
const orders = part({ from: backend, after: { account }, request: (_, { account }) => '/of/' + account.account.toFixed() })
createRouter().get('/home/:id', auth, aggregate({
  account,
  orders,
  mine: part({ from: backend, request: (ctx) => '/' + ctx.state.params.id + ctx.state.principal.subject }),
}))
// @ts-expect-error it is not among those that are needed
part({ from: backend, after: { account }, request: (_, { cart }) => '/of/' + cart })
// @ts-expect-error the route captures another one
createRouter().get('/home/:name', aggregate({ account }))
// @ts-expect-error nobody has said who it is
createRouter().get('/:id', aggregate({ mine: part({ from: backend, request: (ctx) => '/' + ctx.state.principal.subject }) }))
`
