import { type Context, chain, type Middleware, text } from '@gatelet/core'
import { createRouter, stripPrefix } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const path = (ctx: Context) => text(ctx.request.url.path)
const state = (ctx: Context<{ params: object; route: string }>) =>
  text(`${ctx.state.route} ${JSON.stringify(ctx.state.params)} ${ctx.request.url.path}`)
const answer = async (...asked: Parameters<typeof call>) => {
  const reply = await call(...asked)
  return reply.status === 200 ? reply.text() : reply.status
}

describe.each(['/v1', '/v1/', '/v1/*', '/v1/*rest'])('mount(%j)', (mounted) => {
  const router = createRouter().mount(mounted, path)

  test.each(['/v1', '/v1/', '/v1/x', '/v1/x/y/'])('takes %s, and leaves the path whole', async (url) => {
    expect(await answer(router, url)).toBe(url)
    expect(await answer(router, `DELETE ${url}`)).toBe(url)
  })

  test.each(['/', '/v', '/v1x', '/v1x/y', '/V1', '/x/v1'])('does not take %s', async (url) => {
    expect(await answer(router, url)).toBe(404)
  })
})

test('a mount at the root takes what no other route has', async () => {
  const router = createRouter()
    .get('/livez', () => text('alive'))
    .mount('/', path)
  expect(await answer(router, '/livez')).toBe('alive')
  expect(await answer(router, '/')).toBe('/')
  expect(await answer(router, '/a/b')).toBe('/a/b')
})

describe('a router in a router', () => {
  const users = createRouter((r) => {
    r.get('/', state).get('/:id', state).post('/:id/bills/*rest', state)
  })
  const router = createRouter().mount('/teams/:team/users', users)

  test('sees the rest of the path, the params of both, and the whole pattern', async () => {
    expect(await answer(router, '/teams/a/users/7')).toBe('/teams/:team/users/:id {"team":"a","id":"7"} /teams/a/users/7')
    expect(await answer(router, 'POST /teams/a/users/7/bills/1')).toBe(
      '/teams/:team/users/:id/bills/*rest {"team":"a","id":"7","rest":"1"} /teams/a/users/7/bills/1',
    )
  })

  test('has its / at the place where it is mounted, with and without a slash', async () => {
    expect(await answer(router, '/teams/a/users')).toBe('/teams/:team/users/ {"team":"a"} /teams/a/users')
    expect(await answer(router, '/teams/a/users/')).toBe('/teams/:team/users/ {"team":"a"} /teams/a/users/')
  })

  test('answers 404 and 405 itself', async () => {
    const other = createRouter()
      .mount('/teams', router)
      .mount('/', () => text('the rest'))
    expect(await answer(other, '/teams/none')).toBe(404)
    expect(await answer(router, '/teams/a/users/7/')).toBe(404)
    const refused = await call(router, 'PUT /teams/a/users/7')
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })

  test('can be mounted at several places', async () => {
    const shared = createRouter().mount('/a', users).mount('/b/:team', users)
    expect(await answer(shared, '/a/7')).toBe('/a/:id {"id":"7"} /a/7')
    expect(await answer(shared, '/b/x/7')).toBe('/b/:team/:id {"team":"x","id":"7"} /b/x/7')
  })

  test('mounts behind layers and in depth', async () => {
    const pass: Middleware = (ctx, next) => next(ctx)
    const deep = createRouter().mount('/x', pass, createRouter().mount('/y', chain().use(pass).to(users)))
    expect(await answer(deep, '/x/y/7')).toBe('/x/y/:id {"id":"7"} /x/y/7')
    expect(await answer(deep, '/x/y')).toBe('/x/y/ {} /x/y')
    expect(await answer(deep, '/x')).toBe(404)
  })

  test('has params without a prototype', async () => {
    const probe = createRouter().get('/:id', (ctx) => text(String(Object.getPrototypeOf(ctx.state.params))))
    expect(await answer(createRouter().mount('/teams/:team', probe), '/teams/a/7')).toBe('null')
  })

  test('finds its place by the length of what was matched, whatever it decodes to', async () => {
    const router = createRouter().mount('/:org/caf%c3%a9', createRouter().get('/:id', state))
    expect(await answer(router, '/%41%20%C3%BC/caf%C3%A9/7')).toBe(
      '/:org/caf%c3%a9/:id {"org":"A ü","id":"7"} /A%20%C3%BC/caf%C3%A9/7',
    )
  })

  test('inherits from the layers around it', async () => {
    const handler = chain()
      .provide(() => ({ principal: 'ann' }))
      .to(
        createRouter((outer) => {
          outer.mount(
            '/teams/:team',
            createRouter((inner) => {
              inner.get('/:id', ({ state }) => text(`${state.principal} ${state.params.team} ${state.params.id}`))
            }),
          )
        }),
      )
    expect(await answer(handler, '/teams/a/7')).toBe('ann a 7')
  })
})

describe('a path that a layer has changed', () => {
  const to =
    (path: string): Middleware =>
    (ctx, next) =>
      next(ctx.withRequest({ url: { path } }))
  const inner = createRouter().get('/x', state).get('/v1/x', state)

  test('is matched from its beginning', async () => {
    expect(await answer(createRouter().mount('/v1', inner), '/v1/x')).toBe('/v1/x {} /v1/x')
    expect(await answer(createRouter().mount('/v1', to('/x'), inner), '/v1/y')).toBe('/x {} /x')
    expect(await answer(createRouter().mount('/v2', to('/v1/x'), inner), '/v2/y')).toBe('/v1/x {} /v1/x')
  })

  test('is the rest of it still, when only the query was changed', async () => {
    const search: Middleware = (ctx, next) => next(ctx.withRequest({ url: { search: '?a=1' } }))
    expect(await answer(createRouter().mount('/api', search, inner), '/api/x')).toBe('/api/x {} /api/x')
  })
})

describe('stripPrefix', () => {
  test.each([
    ['/v1', '/'],
    ['/v1/', '/'],
    ['/v1/users', '/users'],
    ['/v1/users/', '/users/'],
    ['/v1/a%20b/c', '/a%20b/c'],
    ['/v1/v1', '/v1'],
  ])('makes %s into %s', async (url, expected) => {
    expect(await answer(createRouter().mount('/v1', stripPrefix(), path), url)).toBe(expected)
    expect(await answer(createRouter().any('/v1/*rest', stripPrefix(), path), url)).toBe(expected)
  })

  test('takes off what the routers around have matched together', async () => {
    const inner = createRouter().mount('/:b', stripPrefix(), state)
    expect(await answer(createRouter().mount('/a', inner), '/a/b/c')).toBe('/a/:b/* {"b":"b"} /c')
  })

  test('leaves the query and the target as they are', async () => {
    const router = createRouter().mount('/v1', stripPrefix(), ({ request }) => text(`${request.url.search} ${request.target}`))
    expect(await answer(router, '/v1/x?a=%2f')).toBe('?a=%2f /v1/x?a=%2f')
  })

  test('lets a router behind it match the whole of the new path, and still tell the whole pattern', async () => {
    const router = createRouter().mount('/v1', stripPrefix(), createRouter().get('/users/:id', state))
    expect(await answer(router, '/v1/users/7')).toBe('/v1/users/:id {"id":"7"} /users/7')
  })

  test('changes nothing where no pattern with a rest stands in front', async () => {
    expect(await answer(chain().use(stripPrefix()).to(path), '/v1/x')).toBe('/v1/x')
    expect(await answer(createRouter().get('/v1/:x', stripPrefix(), path), '/v1/x')).toBe('/v1/x')
  })
})
