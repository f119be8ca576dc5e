import { type Handler, type Middleware, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { createRouter, type HostRoutes } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const says =
  (words: string): Handler =>
  () =>
    text(words)
const [a, b] = [says('a'), says('b')]

test('puts other routes in the place of all there are, and tells what is different', async () => {
  const layer: Middleware = (ctx, next) => next(ctx)
  const router = createRouter({ tenant: () => undefined })
    .get('/same', a)
    .get('/handler', a)
    .get('/layer', a)
    .get('/names/:id', a)
    .get('/gone', a)
    .route({ path: '/tenant', tenant: 'x' }, a)
  const changes = router.replace((routes) => {
    routes.get('/new', a).get('/layer', layer, a).get('/handler', b).get('/same', a).get('/names/:name', a)
    routes
      .host('a.test', (own) => own.route({ path: '/x/:id', where: { id: 'int' } }, a))
      .route({ path: '/tenant', tenant: 'x' }, a)
  })
  expect(changes).toEqual({
    added: ['GET /new', 'any a.test/x/:id (id: int)'],
    removed: ['GET /gone'],
    changed: ['GET /layer', 'GET /handler', 'GET /names/:name'],
  })
  expect((await call(router, '/gone')).status).toBe(404)
  expect(await (await call(router, '/handler')).text()).toBe('b')
  expect(router.replace((routes) => void routes.get('/new', a)).added).toEqual([])
})

describe('whole or not at all', () => {
  const router = createRouter({ strict: true }).get('/a/:x', a)
  const untouched = async () => {
    expect(await (await call(router, '/a/1')).text()).toBe('a')
    expect((await call(router, '/b')).status).toBe(404)
  }

  test.each<[what: string, define: (routes: HostRoutes) => void, message: string]>([
    ['a path that is not right', (routes) => void routes.get('/b', b).get('b', b), 'router.get: path must be a path'],
    ['two of the same', (routes) => void routes.get('/b', b).get('/b', b), 'matches the same requests'],
    ['a conflict', (routes) => void routes.get('/b', b).get('/:x/b', b).get('/b/:x', b), 'overlap'],
    [
      'an error on the way',
      (routes) => {
        routes.get('/b', b)
        throw new Error('on the way')
      },
      'on the way',
    ],
  ])('%s leaves everything as it was', async (_, define, message) => {
    expect(() => router.replace(define)).toThrow(message)
    await untouched()
  })

  test('what is no function is refused', async () => {
    expect(() => router.replace(undefined as never)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', path: 'define' }))
    await untouched()
  })
})

test('routes can be added afterwards, and who kept the routes of a replacement adds nothing by it', async () => {
  const router = createRouter().get('/old', a)
  let kept: HostRoutes | undefined
  router.replace((routes) => {
    kept = routes.get('/a', a)
  })
  kept?.get('/b', b)
  expect((await call(router, '/b')).status).toBe(404)
  router.get('/b', b).get('/old', b)
  expect(await (await call(router, '/b')).text()).toBe('b')
  expect(() => router.get('/a', b)).toThrow('matches the same requests')
})

test('each request sees one table, while tables change under requests in flight', async () => {
  // In each table every route says the number of its table; the way of a request passes two routers, of one table both.
  const tableOf = (number: number) => {
    const inner = createRouter<{ outer: number }>().get('/x', async (ctx) => {
      await new Promise((resolve) => setImmediate(resolve))
      return text(`${ctx.state.outer} ${number}`)
    })
    const mark: Middleware<{}, { outer: number }> = async (ctx, next) => {
      await new Promise((resolve) => setImmediate(resolve))
      return next(ctx.with({ outer: number }))
    }
    return (routes: HostRoutes) => void routes.mount('/in', mark, inner).get(`/only/${number}`, says(String(number)))
  }
  const router = createRouter().mount('/none', a)
  router.replace(tableOf(0))
  await using server = await serve(router, { host: '127.0.0.1', port: 0 })
  let asking = true
  const answers: string[] = []
  const client = async () => {
    while (asking) {
      const reply = await fetch(`${server.url}/in/x`)
      answers.push(`${reply.status} ${await reply.text()}`)
    }
  }
  const clients = [client(), client(), client(), client()]
  for (let number = 1; number <= 200; number++) {
    const { added, removed, changed } = router.replace(tableOf(number))
    expect({ added, removed, changed }).toEqual({
      added: [`GET /only/${number}`],
      removed: [`GET /only/${number - 1}`],
      changed: ['any /in/*'],
    })
    if (number % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const last = await fetch(`${server.url}/in/x`)
  expect(await last.text()).toBe('200 200')
  asking = false
  await Promise.all(clients)
  expect(answers.length).toBeGreaterThan(4)
  expect(answers.filter((answer) => !/^200 (\d+) \1$/.test(answer))).toEqual([])
})
