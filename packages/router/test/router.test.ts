import { type Context, chain, empty, GatewayError, type Middleware, subscribe, text } from '@gatelet/core'
import { createRouter } from '@gatelet/router'
import { call, calls } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const says = (words: string) => () => text(words)
const echo = (ctx: Context<{ params: object; route: string }>) =>
  text(`${ctx.request.method} ${ctx.state.route} ${JSON.stringify(ctx.state.params)}`)

test('asks the handler of the route, which sees the params and the pattern', async () => {
  const router = createRouter().get('/users/:id', echo).get('/users', says('all'))
  expect(await (await call(router, '/users/7?x=1')).text()).toBe('GET /users/:id {"id":"7"}')
  expect(await (await call(router, '/users')).text()).toBe('all')
})

test('has a verb for each common method, and routes of any method', async () => {
  const router = createRouter()
    .get('/x', says('get'))
    .head('/x', says('head'))
    .post('/x', says('post'))
    .put('/x', says('put'))
    .patch('/x', says('patch'))
    .delete('/x', says('delete'))
    .options('/x', says('options'))
    .any('/x', says('any'))
    .route({ method: ['PROPFIND', 'REPORT'], path: '/x' }, says('dav'))
  for (const method of ['get', 'head', 'post', 'put', 'patch', 'delete', 'options']) {
    expect(await (await call(router, `${method.toUpperCase()} /x`)).text()).toBe(method)
  }
  expect(await (await call(router, 'REPORT /x')).text()).toBe('dav')
  expect(await (await call(router, 'LINK /x')).text()).toBe('any')
})

describe('where no route matches', () => {
  test('an unknown path is 404', async () => {
    const reply = await call(createRouter().get('/a', says('a')), '/b')
    expect(reply.status).toBe(404)
    expect(await reply.json()).toMatchObject({ status: 404, code: 'NOT_FOUND' })
  })

  test('an unknown path is answered by notFound, which sees the request as it came', async () => {
    const router = createRouter((r) => r.get('/a', says('a')), { notFound: (ctx) => text(`no ${ctx.request.url.path}`, 404) })
    const reply = await call(router, 'POST /b')
    expect([reply.status, await reply.text()]).toEqual([404, 'no /b'])
    expect((await call(router, 'POST /a')).status).toBe(405)
  })

  test('a method that the path does not have is 405 and told what it has', async () => {
    const router = createRouter().post('/a', says('post')).get('/:x', says('get')).any('/other', says('any'))
    const reply = await call(router, 'DELETE /a')
    expect(reply.status).toBe(405)
    expect(reply.headers.get('allow')).toBe('GET, HEAD, OPTIONS, POST')
    expect(await reply.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' })
  })

  test('OPTIONS is answered 204 with the methods of the path, and 404 where there is none', async () => {
    const router = createRouter().get('/a', says('get')).put('/a', says('put'))
    const reply = await call(router, 'OPTIONS /a')
    expect([reply.status, reply.headers.get('allow'), await reply.text()]).toEqual([204, 'GET, HEAD, OPTIONS, PUT', ''])
    expect((await call(router, 'OPTIONS /b')).status).toBe(404)
  })

  test('OPTIONS goes to the route that takes it', async () => {
    const router = createRouter()
      .get('/a', says('get'))
      .options('/a', () => empty({ headers: { allow: 'GET' } }))
      .get('/b', says('get'))
      .mount('/b', says('mounted'))
    expect((await call(router, 'OPTIONS /a')).headers.get('allow')).toBe('GET')
    expect(await (await call(router, 'OPTIONS /b')).text()).toBe('mounted')
  })

  test('a parameter that is not UTF-8 is 400, and its handler is not asked', async () => {
    let asked = 0
    const router = createRouter().get('/users/:id', () => text(String(++asked)))
    const reply = await call(router, '/users/%FF')
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({ code: 'BAD_TARGET', detail: 'The path parameter id is not UTF-8' })
    expect(asked).toBe(0)
  })
})

test('HEAD goes to the route of GET, which sees that it is HEAD', async () => {
  const router = createRouter().get('/a', echo)
  expect(await (await call(router, 'HEAD /a')).text()).toBe('HEAD /a {}')
})

test('HEAD passes the same layer as GET', async () => {
  const guard: Middleware = () => text('no', 403)
  const router = createRouter().get('/a', guard, says('secret'))
  expect((await call(router, 'HEAD /a')).status).toBe(403)
})

test('an upgrade takes the routes of GET, with the same answers to doubtful paths', async () => {
  const router = createRouter().get('/chat/:room', echo).post('/post', says('post'))
  const upgrade = (url: string) => call(router, { url, kind: 'upgrade' })
  expect(await (await upgrade('/chat/a%20b')).text()).toBe('GET /chat/:room {"room":"a b"}')
  expect((await upgrade('/chat')).status).toBe(404)
  expect((await upgrade('/chat/%FF')).status).toBe(400)
  expect((await upgrade('/post')).status).toBe(405)
})

test('what a handler throws passes through as it is', () => {
  const error = new GatewayError('DRAINING')
  const router = createRouter().get('/a', () => {
    throw error
  })
  return expect(call(router, '/a').then((reply) => reply.status)).resolves.toBe(503)
})

test('a route that has nothing to wait for answers without a promise', async () => {
  const router = createRouter().get('/a', says('a'))
  let answer: unknown
  await call((ctx) => {
    const reply = router(ctx)
    answer = reply
    return reply
  }, '/a')
  expect(answer).not.toBeInstanceOf(Promise)
})

test('a layer stands between the path and the handler, and adds to what the handler sees', async () => {
  const named: Middleware<{ params: { id: string } }, { name: string }> = (ctx, next) =>
    next(ctx.with({ name: `user ${ctx.state.params.id}` }))
  const router = createRouter().get('/users/:id', named, (ctx) => text(`${ctx.state.name} ${ctx.state.params.id}`))
  expect(await (await call(router, '/users/7')).text()).toBe('user 7 7')
})

test('state of the chain in front is there in the handlers', async () => {
  const handler = chain()
    .provide(() => ({ principal: 'ann' }))
    .to(createRouter((r) => void r.get('/users/:id', (ctx) => text(`${ctx.state.principal} ${ctx.state.params.id}`))))
  expect(await (await call(handler, '/users/7')).text()).toBe('ann 7')
})

describe('while requests come in', () => {
  test('routes can be added, and take part from the next request on', async () => {
    const router = createRouter().get('/a', says('a'))
    expect((await call(router, '/b')).status).toBe(404)
    router.get('/b', says('b')).host('api.test', (r) => r.get('/b', says('of the host')))
    expect(await (await call(router, '/b')).text()).toBe('b')
    expect(await (await call(router, 'http://api.test/b')).text()).toBe('of the host')
  })

  test('a request that adds a route keeps what it was given', async () => {
    const router = createRouter()
    router.mount('/a', (ctx) => {
      router.get('/a/b', says('later'))
      return text(ctx.state.route)
    })
    const answers = await calls(router, 2, '/a/b')
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['/a/*', 'later'])
  })

  test('a route that is refused leaves the table as it was', async () => {
    const router = createRouter().get('/a/:x', says('first'))
    expect(() => router.get('/a/:y', says('second'))).toThrow(GatewayError)
    expect(() => router.route({ method: ['POST', 'GET'], path: '/a/:y' }, says('second'))).toThrow(GatewayError)
    expect(await (await call(router, '/a/1')).text()).toBe('first')
    expect((await call(router, 'POST /a/1')).status).toBe(405)
  })
})

test('tells which route was chosen, for metrics', async () => {
  const told: string[] = []
  const stop = subscribe('request:routed', ({ route, context }) => void told.push(`${route} ${context.request.url.path}`))
  const router = createRouter()
    .get('/users/:id', says('user'))
    .mount('/v1/*', createRouter().get('/teams/:team', says('team')))
  await calls(router, 3, (index) => ['/users/7', '/v1/teams/a', '/nothing'][index] as string)
  stop()
  expect(told).toEqual(['/users/:id /users/7', '/v1/* /v1/teams/a', '/v1/teams/:team /v1/teams/a'])
})
