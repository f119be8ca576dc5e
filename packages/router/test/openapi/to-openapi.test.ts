import { chain, GatewayError, type Handler, json, type Middleware, text } from '@gatelet/core'
import { createRouter, fromOpenAPI, toOpenAPI, validate } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { shown } from './document.ts'

const anything: Handler = () => text('x')
const pass: Middleware = (ctx, next) => next(ctx)
const about = { title: 'Users', version: '1' }
const pathsOf = (router: Handler) => toOpenAPI(router, about).paths

describe('routes', () => {
  test('are described by path and method', () => {
    const router = createRouter()
      .get('/', anything)
      .get('/users/:id', anything)
      .put('/users/:id', pass, anything)
      .route({ path: '/orders/:order', method: ['GET', 'QUERY'], where: { order: 'int' } }, anything)
      .any('/any', anything)
      .mount('/files', anything)
    const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } }
    const order = { name: 'order', in: 'path', required: true, schema: { type: 'integer' } }
    const responses = { default: { description: 'What the handler answers' } }
    expect(pathsOf(router)).toEqual({
      '/': { get: { responses } },
      '/users/{id}': { get: { parameters: [id], responses }, put: { parameters: [id], responses } },
      '/orders/{order}': { get: { parameters: [order], responses } },
      '/any': Object.fromEntries(['get', 'put', 'post', 'delete', 'patch'].map((method) => [method, { responses }])),
    })
  })

  test('of mounted routers are described where they are, also behind chains', () => {
    const users = createRouter<{ params: { team: string } }>().get('/', anything).get('/users/:id', anything)
    const router = createRouter()
      .mount('/teams/:team', chain().use(pass).use(pass).layer(), users)
      .mount('/v1', chain().use(pass).to(createRouter().get('/x', anything)))
    expect(Object.keys(pathsOf(router))).toEqual(['/teams/{team}', '/teams/{team}/users/{id}', '/v1/x'])
  })

  test('that differ in what is not described are described once', () => {
    const router = createRouter()
      .route({ path: '/x', method: 'GET', host: 'a.test' }, validate({ query: z.object({ a: z.string() }) }), anything)
      .route({ path: '/x', method: 'GET', host: 'b.test' }, anything)
    expect(pathsOf(router)['/x']?.['get']).toMatchObject({ parameters: [{ name: 'a' }] })
  })

  test('are those that there are now', () => {
    const router = createRouter().get('/a', anything)
    router.replace((routes) => void routes.get('/b', anything))
    expect(Object.keys(pathsOf(router))).toEqual(['/b'])
  })
})

describe('what is validated', () => {
  const node = z.object({
    name: z.string(),
    get next() {
      return node.optional()
    },
  })

  test('is described, wherever on the way it is', () => {
    const users = createRouter<{ params: { id: string } }>().put(
      '/',
      chain()
        .use(pass)
        .use(validate({ body: type({ name: 'string' }), bodyTypes: ['json', 'form'] }))
        .layer(),
      anything,
    )
    const params = z.object({ id: z.coerce.number().int() })
    const query = z.object({ page: z.coerce.number().default(1), q: z.string() })
    const router = createRouter().mount(
      '/users/:id',
      validate({ params, query, headers: z.object({ 'x-a': z.string() }) }),
      users,
    )
    const body = { schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } }
    expect(pathsOf(router)['/users/{id}']?.['put']).toEqual({
      parameters: [
        { name: 'id', in: 'path', required: true, schema: expect.objectContaining({ type: 'integer' }) },
        { name: 'page', in: 'query', schema: { type: 'number', default: 1 } },
        { name: 'q', in: 'query', required: true, schema: { type: 'string' } },
        { name: 'x-a', in: 'header', required: true, schema: { type: 'string' } },
      ],
      requestBody: { required: true, content: { 'application/json': body, 'application/x-www-form-urlencoded': body } },
      responses: expect.objectContaining({
        400: expect.anything(),
        413: expect.anything(),
        415: expect.anything(),
        422: expect.anything(),
      }),
    })
  })

  test('by a library that writes no JSON Schema is anything, unless somebody else writes it', () => {
    const router = createRouter().put('/', validate({ body: v.object({ a: v.string() }) }), anything)
    const schemaOf = (more: object) => {
      const put = toOpenAPI(router, { ...about, ...more }).paths['/']?.['put'] as { requestBody: { content: object } }
      return put.requestBody.content
    }
    expect(schemaOf({})).toEqual({ 'application/json': { schema: {} } })
    expect(schemaOf({ jsonSchema: () => ({ type: 'object' }) })).toEqual({ 'application/json': { schema: { type: 'object' } } })
  })

  test('by a schema for which JSON Schema has no words is anything', () => {
    const router = createRouter().put('/', validate({ body: z.custom<Date>() }), anything)
    expect(pathsOf(router)['/']?.['put']).toMatchObject({ requestBody: { content: { 'application/json': { schema: {} } } } })
  })

  test('by a schema that refers to itself is a component', () => {
    const router = createRouter()
      .put('/', validate({ body: node }), anything)
      .post('/', validate({ body: node }), anything)
    const document = toOpenAPI(router, about)
    expect(document.paths['/']?.['put']).toMatchObject({
      requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Schema1' } } } },
    })
    expect(Object.keys(document.components?.schemas ?? {})).toContain('Schema1')
    expect(JSON.stringify(document)).not.toMatch(/"#"|#\/\$defs/)
  })

  test('is what fromOpenAPI holds requests to', async () => {
    const router = createRouter()
      .put('/nodes/:id', validate({ params: z.object({ id: z.coerce.number().int() }), body: node }), (ctx) =>
        json(ctx.state.valid),
      )
      .get('/search', validate({ query: z.object({ q: z.string().min(2) }) }), anything)
    const document = JSON.parse(JSON.stringify(toOpenAPI(router, about))) as object
    const again = await fromOpenAPI(document, { fallback: shown })
    const requests = [
      { method: 'PUT', url: '/nodes/7', json: { name: 'a', next: { name: 'b' } } },
      { method: 'PUT', url: '/nodes/7', json: { name: 'a', next: { name: 7 } } },
      { method: 'PUT', url: '/nodes/x', json: { name: 'a' } },
      { method: 'PUT', url: '/nodes/7' },
      '/search?q=ab',
      '/search?q=a',
      '/search',
      '/nodes/7',
    ]
    for (const request of requests) {
      const [one, other] = [await call(router, request), await call(again, request)]
      expect([request, other.status]).toEqual([request, one.status])
    }
  })
})

test('a chain that ends in a router is described with what its layers validate', () => {
  const routed = chain()
    .use(pass)
    .use(validate({ query: z.object({ a: z.string() }) }))
    .to(createRouter().get('/x', anything))
  expect(pathsOf(routed)['/x']?.['get']).toMatchObject({ parameters: [{ name: 'a', in: 'query' }] })
})

test('servers are those that are named', () => {
  expect(toOpenAPI(createRouter(), { ...about, servers: ['/v1'] })).toEqual({
    openapi: '3.1.0',
    info: about,
    servers: [{ url: '/v1' }],
    paths: {},
  })
})

test('what is no router is refused', () => {
  expect(() => toOpenAPI(anything, about)).toThrow(GatewayError)
  expect(() => toOpenAPI(chain().use(pass).to(anything), about)).toThrow(/router must be a router that createRouter has made/)
  // A router that needs state is one, too.
  expect(toOpenAPI(createRouter<{ principal: string }>().get('/', anything), about).paths).toHaveProperty(['/'])
})
