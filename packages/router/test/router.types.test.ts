import { type Context, chain, type Handler, type Layer, type Middleware, text } from '@gatelet/core'
import { createRouter, type Params, type Router, type RouteState } from '@gatelet/router'
import { describe, expectTypeOf, test } from 'vitest'

interface Principal {
  principal: { subject: string }
}

const auth: Middleware<{}, Principal> = (ctx, next) => next(ctx.with({ principal: { subject: 'ann' } }))
const needsPrincipal: Handler<Principal> = (ctx) => text(ctx.state.principal.subject)
const anything: Handler = () => text('x')

function serve(_handler: Handler): void {}

describe('params', () => {
  test('are named by the pattern', () => {
    expectTypeOf<Params<'/users/:id'>>().toEqualTypeOf<{ readonly id: string }>()
    expectTypeOf<Params<'/:a/x/:b/*rest'>>().toEqualTypeOf<{ readonly a: string; readonly b: string; readonly rest: string }>()
    expectTypeOf<Params<'/users'>>().toEqualTypeOf<{}>()
    expectTypeOf<Params<'/'>>().toEqualTypeOf<{}>()
    expectTypeOf<Params<'/v1/*'>>().toEqualTypeOf<{}>()
    expectTypeOf<Params<'/a:b/:c'>>().toEqualTypeOf<{ readonly c: string }>()
    expectTypeOf<Params<string>>().toEqualTypeOf<{ readonly [name: string]: string }>()
    expectTypeOf<Params<'/:a' | '/:b'>>().toEqualTypeOf<{ readonly a: string } | { readonly b: string }>()
  })

  test('are there in the handler, without any being written', () => {
    createRouter()
      .get('/users/:id', (ctx) => {
        expectTypeOf(ctx).toEqualTypeOf<Context<{} & RouteState<'/users/:id'>>>()
        expectTypeOf(ctx.state.params).toEqualTypeOf<{ readonly id: string }>()
        expectTypeOf(ctx.state.route).toBeString()
        return text(ctx.state.params.id)
      })
      .mount('/files/*path', async ({ state }) => text(state.params.path))
      .route({ method: 'QUERY', path: '/x/:y', host: '*.test' }, ({ state }) => text(state.params.y))
  })

  test('that the pattern does not have are refused', () => {
    // @ts-expect-error there is no name
    createRouter().get('/users/:id', (ctx) => text(ctx.state.params.name))
    // @ts-expect-error there is no name
    createRouter().route({ path: '/users/:id' }, (ctx) => text(ctx.state.params.name))
    // @ts-expect-error the rest has no name
    createRouter().mount('/files/*', (ctx) => text(ctx.state.params.rest))
  })

  test('of a pattern that is no literal may be missing', () => {
    const path: string = '/users/:id'
    createRouter().get(path, (ctx) => {
      expectTypeOf(ctx.state.params['id']).toEqualTypeOf<string | undefined>()
      return text('x')
    })
  })
})

describe('state', () => {
  test('is inferred from the chain in front, with no type written', () => {
    const handler = chain()
      .use(auth)
      .to(
        createRouter((router) => {
          expectTypeOf(router).toEqualTypeOf<Router<Principal>>()
          router.get('/users/:id', ({ state }) => text(state.principal.subject + state.params.id))
          router.host('*.test', (routes) => routes.post('/:x', ({ state }) => text(state.principal.subject + state.params.x)))
        }),
      )
    expectTypeOf(handler).toEqualTypeOf<Handler>()
  })

  test('and params reach routers that are mounted, in depth', () => {
    chain()
      .use(auth)
      .to(
        createRouter((router) => {
          router.mount(
            '/teams/:team',
            createRouter((teams) => {
              teams.mount(
                '/users/:user/*',
                createRouter((users) => {
                  users.get('/bills/:bill', ({ state }) => {
                    expectTypeOf(state.params.team).toBeString()
                    expectTypeOf(state.params.user).toBeString()
                    expectTypeOf(state.params.bill).toBeString()
                    expectTypeOf(state.principal).toEqualTypeOf<{ subject: string }>()
                    // @ts-expect-error no pattern has it
                    return text(state.params.other)
                  })
                }),
              )
            }),
          )
        }),
      )
  })

  test('that a layer of the route adds is there in its handler', () => {
    createRouter().get('/users/:id', auth, ({ state }) => text(state.principal.subject + state.params.id))
    createRouter().mount('/users/:id', chain().use(auth).layer(), needsPrincipal)
    createRouter().get(
      '/users/:id',
      (ctx, next) => {
        expectTypeOf(ctx.state.params.id).toBeString()
        return next(ctx)
      },
      ({ state }) => text(state.params.id),
    )
  })

  test('that a layer needs and nobody gave is refused', () => {
    const needy: Middleware<Principal> = (ctx, next) => next(ctx)
    const needsTeam: Middleware<{ params: { team: string } }> = (ctx, next) => next(ctx)
    createRouter().get('/:team', needsTeam, anything)
    // @ts-expect-error nobody gave a principal
    createRouter().get('/:team', needy, anything)
    // @ts-expect-error the pattern has no team
    createRouter().get('/:user', needsTeam, anything)
  })

  test('that a router needs makes it refused where nobody gave it', () => {
    const needy = createRouter<Principal>().get('/me', needsPrincipal)
    serve(chain().use(auth).to(needy))
    serve(createRouter().mount('/x', auth, needy))
    // @ts-expect-error it needs a principal
    serve(needy)
    // @ts-expect-error it needs a principal
    createRouter().mount('/x', needy)
    // @ts-expect-error so does its notFound
    serve(createRouter({ notFound: needsPrincipal }))
  })

  test('that a mounted router needs from the path must be in the path', () => {
    const users = createRouter<{ params: { team: string } }>().get('/:id', ({ state }) => text(state.params.team))
    createRouter().mount('/teams/:team', users)
    // @ts-expect-error the pattern calls it otherwise
    createRouter().mount('/teams/:name', users)
  })

  test('of the outer router is seen by notFound', () => {
    createRouter().mount(
      '/teams/:team',
      createRouter((teams) => void teams.get('/', anything), { notFound: ({ state }) => text(state.params.team, 404) }),
    )
  })
})

test('a parameter that would hide one of the path outside is refused', () => {
  createRouter().mount(
    '/teams/:id',
    createRouter((teams) => {
      teams.get('/users/:user', anything)
      // @ts-expect-error :id is taken
      teams.get('/bills/:id', anything)
      // @ts-expect-error :id is taken
      teams.mount('/files/*id', anything)
      // @ts-expect-error :id is taken
      teams.route({ path: '/x/:id' }, anything)
    }),
  )
})

test('a router is a handler, and verbs return the router that they were called on', () => {
  expectTypeOf<Router>().toExtend<Handler>()
  expectTypeOf<Router>().toExtend<Layer>()
  expectTypeOf<Router<Principal>>().toExtend<Handler<Principal>>()
  expectTypeOf<Router>().toExtend<Handler<Principal>>()
  expectTypeOf<Router<Principal>>().not.toExtend<Handler>()
  serve(createRouter().get('/a', anything).mount('/b', anything).route({ path: '/c' }, anything))
  serve(createRouter().host('a.test', (routes) => routes.get('/', anything)))
})

test('a layer is no handler', () => {
  // @ts-expect-error it asks next, and there is none
  createRouter().get('/a', auth)
  // @ts-expect-error it asks next, and there is none
  createRouter().get('/a', (ctx, next) => next(ctx))
})

describe('rules of parameters', () => {
  const isColour = (value: string): value is 'red' | 'green' => value === 'red' || value === 'green'

  test('give the handler their type', () => {
    createRouter().route(
      {
        path: '/:id/:lang/:colour/:slug/:even/:plain/*rest',
        where: {
          id: 'int',
          lang: ['de', 'en'],
          colour: isColour,
          slug: 'slug',
          even: (value: string) => value !== '',
          rest: '*.png',
        },
      },
      ({ state }) => {
        expectTypeOf(state.params).toEqualTypeOf<{
          readonly id: number
          readonly lang: 'de' | 'en'
          readonly colour: 'red' | 'green'
          readonly slug: string
          readonly even: string
          readonly plain: string
          readonly rest: string
        }>()
        return text(state.params.lang)
      },
    )
  })

  test('reach routers that are mounted, and what layers need', () => {
    const needsTeam: Middleware<{ params: { team: number } }> = (ctx, next) => next(ctx)
    chain()
      .use(auth)
      .to(
        createRouter((router) => {
          router.route(
            { path: '/teams/:team/*', where: { team: 'int' } },
            needsTeam,
            createRouter((teams) => {
              teams.route({ path: '/:user', where: { user: 'int' } }, ({ state }) => {
                expectTypeOf(state.params.team).toBeNumber()
                expectTypeOf(state.params.user).toBeNumber()
                expectTypeOf(state.principal.subject).toBeString()
                return text('x')
              })
            }),
          )
          // @ts-expect-error the parameter is a text
          router.route({ path: '/teams/:team/*' }, needsTeam, anything)
        }),
      )
  })

  test('for parameters that the pattern does not have are refused', () => {
    const never = () => {
      // @ts-expect-error there is no name
      createRouter().route({ path: '/users/:id', where: { name: 'int' } }, anything)
      // @ts-expect-error there is no name
      createRouter().route({ path: '/users/:id', where: { id: 'int', name: 'int' } }, anything)
      // @ts-expect-error there is no such rule
      createRouter().route({ path: '/users/:id', where: { id: 'integer' } }, anything)
    }
    expectTypeOf(never).toBeFunction()
  })

  test('of a pattern that is no literal leave numbers and texts', () => {
    const path: string = '/users/:id'
    createRouter().route({ path, where: { id: 'int' } }, ({ state }) => {
      expectTypeOf(state.params['id']).toEqualTypeOf<string | number | undefined>()
      return text('x')
    })
  })
})
