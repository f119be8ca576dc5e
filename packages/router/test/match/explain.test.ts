import { HeaderList, text } from '@gatelet/core'
import { createRouter, explanationText } from '@gatelet/router'
import { expect, test } from 'vitest'

const says = () => text('x')
const router = createRouter({ tenant: () => undefined })
  .get('/users/me', says)
  .route({ method: 'GET', path: '/users/:id', where: { id: 'int' } }, says)
  .get('/users/:name', says)
  .route({ path: '/users/:name', tenant: ['acme', 'b', 'c', 'd'] }, says)
  .route({ method: 'GET', path: '/users/:name', headers: { authorization: 'x', 'x-v': '2' } }, says)
  .route({ method: 'GET', path: '/users/:name', query: { q: '1' } }, says)
  .any('/users/*rest', says)
  .post('/users/:name', says)
  .route({ path: '/users/*rest', host: '*.b.test' }, says)
  .get('/users', says)
  .get('/users/:name/bills', says)

const headers = new HeaderList([
  ['x-v', '2'],
  ['authorization', 'Bearer abc'],
])

test('tells which route won, which were looked at, and the first thing by which each of the others lost', () => {
  const explanation = router.explain({ method: 'GET', url: { host: 'a.test', path: '/users/ann', search: '?q=2' }, headers })
  expect(explanation).toEqual({
    request: 'GET a.test/users/ann?q=2',
    found: 'hit',
    route: 'GET /users/:name',
    candidates: [
      { route: 'GET /users/:name' },
      { route: 'any /users/*rest', lost: { on: 'precedence', because: 'GET /users/:name goes first by its host or path' } },
      { route: 'any /users/:name (tenant: acme|b|c|… (4))', lost: { on: 'tenant', because: 'there is no tenant' } },
      {
        route: 'GET /users/:name (header authorization: x, header x-v: 2)',
        lost: { on: 'headers', because: 'header authorization is another one' },
      },
      { route: 'GET /users/:name (query q: 1)', lost: { on: 'query', because: 'query q is "2"' } },
      { route: 'POST /users/:name', lost: { on: 'method', because: 'the method is GET' } },
      { route: 'GET /users/me', lost: { on: 'path', because: 'the path has /ann, not /me' } },
      { route: 'GET /users/:id (id: int)', lost: { on: 'where', because: 'id is "ann", not int' } },
      { route: 'any *.b.test/users/*rest', lost: { on: 'host', because: 'the host is "a.test"' } },
      { route: 'GET /users', lost: { on: 'path', because: 'the path goes on with /ann' } },
      { route: 'GET /users/:name/bills', lost: { on: 'path', because: 'the path ends before /bills' } },
    ],
  })
})

test('can be read', () => {
  const explained = explanationText(router.explain({ method: 'GET', url: { host: '', path: '/users/7' } }))
  expect(explained.split('\n').slice(0, 3)).toEqual([
    'GET /users/7: hit',
    '  won   GET /users/:id (id: int)',
    '  lost  GET /users/:name: GET /users/:id (id: int) goes first by its host or path',
  ])
})

test('looks at the routes of a tenant when it is told which one is meant', () => {
  const { route, candidates } = router.explain({ method: 'GET', url: { host: '', path: '/users/ann' } }, 'acme')
  expect(route).toBe('any /users/:name (tenant: acme|b|c|… (4))')
  expect(candidates.find((each) => each.route === 'GET /users/:name')?.lost).toEqual({
    on: 'precedence',
    because: 'any /users/:name (tenant: acme|b|c|… (4)) names the tenant',
  })
  expect(router.explain({ method: 'GET', url: { host: '', path: '/users/ann' } }, 'other').route).toBe('GET /users/:name')
})

test('says what was found where no route won, and shortens long lists for reading alone', () => {
  const many = createRouter((routes) => {
    for (let at = 0; at < 50; at++) routes.get(`/a/${at}`, says)
  })
  const explanation = many.explain({ method: 'GET', url: { host: '', path: '/b' } })
  expect(explanation).toMatchObject({ found: 'miss' })
  expect(explanation.route).toBeUndefined()
  expect(explanation.candidates).toHaveLength(50)
  expect(explanationText(explanation)).toMatch(/and 30 more that lost$/)
  expect(many.explain({ method: 'POST', url: { host: '', path: '/a/1' } }).found).toBe('wrong-method')
})
