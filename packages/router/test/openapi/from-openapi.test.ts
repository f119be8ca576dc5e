import { readFileSync } from 'node:fs'
import { GatewayError, type Handler, type Middleware, sourceOf, text } from '@gatelet/core'
import { createRouter, fromOpenAPI, type OpenApiState } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, test } from 'vitest'
import { documentOf, type Problem, routerOf, shown } from './document.ts'

const node = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', minLength: 1 }, next: { $ref: '#/components/schemas/Node' } },
  example: { name: 'x' },
  'x-limits': { rate: 5 },
}
const components = {
  schemas: { Node: node },
  parameters: { Id: { name: 'id', in: 'path', required: true, schema: { type: 'integer' } } },
  requestBodies: { Node: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Node' } } } } },
}

async function refusal(made: Promise<unknown>): Promise<GatewayError> {
  try {
    await made
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('operations', () => {
  test('become routes, and what no operation has is 404 or 405', async () => {
    const router = await routerOf({ '/users/{id}': { get: { operationId: 'getUser' }, put: { operationId: 'putUser' } } })
    expect(await (await call(router, '/users/7')).json()).toMatchObject({ by: 'getUser' })
    expect(await (await call(router, 'PUT /users/7')).json()).toMatchObject({ by: 'putUser' })
    const wrong = await call(router, 'DELETE /users/7')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, PUT'])
    expect((await call(router, '/users')).status).toBe(404)
  })

  test('are answered by the handler of their id, else the backend of a tag, else the fallback', async () => {
    const says =
      (word: string): Handler =>
      () =>
        text(word)
    const paths = {
      '/a': { get: { operationId: 'a', tags: ['one'] } },
      '/b': { get: { operationId: 'b', tags: ['none', 'two', 'one'] } },
      '/c': { get: {} },
    }
    const router = await fromOpenAPI(documentOf(paths), {
      handlers: { a: says('a') },
      backends: { one: says('one'), two: says('two') },
      fallback: says('rest'),
    })
    const words = ['/a', '/b', '/c'].map(async (path) => (await call(router, path)).text())
    expect(await Promise.all(words)).toEqual(['a', 'two', 'rest'])
  })

  test('stand below the paths of their servers, and may be mounted', async () => {
    const servers = [{ url: 'https://api.example.com/v1/' }, { url: '/{base}', variables: { base: { default: 'beta' } } }]
    const router = await routerOf({ '/x': { get: {} }, '/y': { get: {}, servers: [{ url: '/other' }] } }, { servers })
    const status = async (path: string) => (await call(router, path)).status
    expect(await Promise.all(['/v1/x', '/beta/x', '/x', '/other/y', '/v1/y'].map(status))).toEqual([200, 200, 404, 200, 404])
    const outer = createRouter().mount('/api', router)
    expect((await call(outer, '/api/v1/x')).status).toBe(200)
  })

  test('tell handlers which they are, and the state in front stays', async () => {
    const seen: OpenApiState['operation'][] = []
    const handler: Handler<OpenApiState> = (ctx) => {
      seen.push(ctx.state.operation)
      return text(ctx.state.route)
    }
    const paths = { '/users/{id}': { get: { operationId: 'getUser', tags: ['users'] } } }
    expect(await (await call(await fromOpenAPI(documentOf(paths), { fallback: handler }), '/users/7')).text()).toBe('/users/:id')
    expect(seen).toEqual([{ id: 'getUser', method: 'GET', path: '/users/{id}', tags: ['users'] }])
  })
})

describe('a body', () => {
  const paths = {
    '/nodes/{id}': {
      parameters: [{ $ref: '#/components/parameters/Id' }],
      put: { requestBody: { $ref: '#/components/requestBodies/Node' } },
    },
    '/form': {
      post: {
        requestBody: {
          content: {
            'application/x-www-form-urlencoded': {
              schema: { type: 'object', properties: { n: { type: 'integer' }, tags: { type: 'array' } }, required: ['n'] },
            },
            'application/json; charset=utf-8': { schema: { type: 'integer' } },
            'image/*': { schema: { type: 'string', format: 'binary' } },
          },
        },
      },
    },
  }
  const made = routerOf(paths, { components })
  const put = async (json: unknown) => call(await made, { method: 'PUT', url: '/nodes/7', json })
  const post = async (body: string | null, type?: string) =>
    call(await made, { method: 'POST', url: '/form', body, headers: type === undefined ? {} : { 'content-type': type } })

  test('is validated by a schema that refers to itself', async () => {
    const value = { name: 'a', next: { name: 'b', next: { name: 'c' } } }
    expect(await (await put(value)).json()).toMatchObject({ params: { id: 7 }, body: value })
    const answer = await put({ name: 'a', next: { name: 'b', next: { name: '' } } })
    expect(answer.status).toBe(422)
    expect((await answer.json<Problem>()).errors).toEqual([
      { in: 'body', path: '/next/next/name', message: 'must NOT have fewer than 1 characters' },
    ])
  })

  test('is never read as something that it is not', async () => {
    expect((await put({ name: 7 })).status).toBe(422)
    expect((await put('x')).status).toBe(422)
  })

  test('has what was sent, and nothing that objects have by birth', async () => {
    const content = (schema: object) => ({ '/x': { post: { requestBody: { content: { 'application/json': { schema } } } } } })
    const status = async (schema: object) => {
      const request = { method: 'POST', url: '/x', body: '{}', headers: { 'content-type': 'application/json' } }
      return (await call(await routerOf(content({ type: 'object', ...schema })), request)).status
    }
    expect(await status({ required: ['toString'] })).toBe(422)
    expect(await status({ properties: { constructor: { type: 'string' } } })).toBe(200)
  })

  test.each<[items: string, status: number]>([
    ['[1, 2, "1", [1], [2], {"a": 1}, {"a": "1"}, null, true, "true"]', 200],
    ['[{"a": 1, "b": [2]}, {"b": [2], "a": 1.0}]', 422],
    ['[0, -0]', 422],
    [JSON.stringify(Array.from({ length: 100_000 }, (_, at) => [at])), 200],
  ])('of items that differ is told from others in time (%#)', async (body, status) => {
    const schema = { type: 'array', uniqueItems: true }
    const router = await routerOf({ '/x': { post: { requestBody: { content: { 'application/json': { schema } } } } } })
    const request = { method: 'POST', url: '/x', body, headers: { 'content-type': 'application/json' } }
    expect((await call(router, request)).status).toBe(status)
  })

  test('must be there where that is said', async () => {
    const answer = await call(await made, 'PUT /nodes/7')
    expect((await answer.json<Problem>()).errors).toEqual([{ in: 'body', path: '', message: 'must be there' }])
    expect((await post(null)).status).toBe(200)
    expect((await post('', 'application/json')).status).toBe(200)
  })

  test('may be a form, whose texts are read as their schemas say', async () => {
    const answer = await post('n=7&tags=a', 'application/x-www-form-urlencoded')
    expect(await answer.json()).toMatchObject({ body: { n: 7, tags: ['a'] } })
    expect((await post('n=x', 'application/x-www-form-urlencoded')).status).toBe(422)
  })

  test('of a type that is not described is 415', async () => {
    const answer = await post('x', 'text/plain')
    expect(answer.status).toBe(415)
    expect(answer.headers.get('accept')).toBe('application/x-www-form-urlencoded, application/json, image/*')
    expect((await post('7', 'application/json')).status).toBe(200)
  })

  test('of a type that is not read goes on as it comes', async () => {
    const handler: Handler = (ctx) => text(String(Buffer.from(sourceOf(ctx.request.body).take() ?? [])))
    const router = await routerOf(paths, { components }, { fallback: handler as never })
    const answer = await call(router, { method: 'POST', url: '/form', body: 'bytes', headers: { 'content-type': 'image/png' } })
    expect(await answer.text()).toBe('bytes')
  })

  test('that is not JSON is 400, and one that is too long 413', async () => {
    expect((await post('{', 'application/json')).status).toBe(400)
    const router = await routerOf(paths, { components }, { maxBodyBytes: 3 })
    expect((await call(router, { method: 'PUT', url: '/nodes/7', json: { name: 'a' } })).status).toBe(413)
  })

  test('is not looked at when a parameter is wrong', async () => {
    const answer = await call(await made, {
      method: 'PUT',
      url: '/nodes/x',
      body: '{',
      headers: { 'content-type': 'text/plain' },
    })
    expect((await answer.json<Problem>()).errors).toEqual([{ in: 'params', path: '/id', message: 'must be integer' }])
  })
})

describe('security', () => {
  const paths = {
    '/a': { get: { operationId: 'a' } },
    '/b': { get: { operationId: 'b', security: [{ key: [] }, { oauth: ['read'] }] } },
    '/c': { get: { operationId: 'c', security: [] } },
    '/d': { get: { operationId: 'd', security: [{}, { key: [] }] } },
  }
  const more = { security: [{ key: [] }] }

  test('is handed to the hook, per operation, and stands before validation', async () => {
    const asked: unknown[] = []
    const deny: Middleware = () => text('no', 401)
    const router = await routerOf(paths, more, {
      security(requirements, operation) {
        asked.push([operation.id, requirements])
        return operation.id === 'd' ? undefined : deny
      },
    })
    expect(asked).toEqual([
      ['a', [{ key: [] }]],
      ['b', [{ key: [] }, { oauth: ['read'] }]],
      ['d', [{}, { key: [] }]],
    ])
    const statuses = ['/a', '/b', '/c', '/d'].map(async (path) => (await call(router, path)).status)
    expect(await Promise.all(statuses)).toEqual([401, 401, 200, 200])
  })

  test('for which the hook makes no layer stops the start, unless anybody may come in', async () => {
    const error = await refusal(routerOf(paths, more, { security: () => undefined }))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'document#' })
    expect(error.message).toContain('held by a layer: the option security made none')
  })

  test('that nobody looks at stops the start, unless that is said', async () => {
    const error = await refusal(routerOf(paths, more))
    expect(error.message).toContain('give fromOpenAPI the option security, or false')
    expect((await call(await routerOf(paths, more, { security: false }), '/a')).status).toBe(200)
  })
})

describe('ajv', () => {
  const paths = { '/x': { get: { parameters: [{ name: 'd', in: 'query', schema: { type: 'string', format: 'date' } }] } } }

  test('may be given, with formats', async () => {
    const plain = await routerOf(paths, {}, { ajv: Ajv2020 })
    const strict = await routerOf(paths, {}, { ajv: Ajv2020, formats: addFormats.default })
    const status = async (router: Handler) => (await call(router, '/x?d=yesterday')).status
    expect([await status(plain), await status(strict)]).toEqual([200, 400])
  })

  test('is not loaded when the package is', () => {
    const source = readFileSync(new URL('../../src/openapi/schemas.ts', import.meta.url), 'utf8')
    expect(source).not.toMatch(/^import .*ajv/m)
  })
})

describe('a pattern', () => {
  const withPattern = (pattern: string, options = {}) =>
    routerOf({ '/x': { get: { parameters: [{ name: 'p', in: 'query', schema: { type: 'string', pattern } }] } } }, {}, options)

  test.each(['^(a+)+$', '^(a|a)*$', '(.*)*b', '^a*a*$', '^(?=a)b$', '^(a)\\1$', '['])('%s stops the start', async (pattern) => {
    const error = await refusal(withPattern(pattern))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'document#/paths/~1x/get/parameters/0/schema' })
    expect(error.message).toContain('RE2')
  })

  test('is taken as it is by an engine of one’s own', async () => {
    const router = await withPattern('^(a+)+$', { patterns: (source: string, flags: string) => new RegExp(source, flags) })
    expect((await call(router, '/x?p=aaa')).status).toBe(200)
  })

  test.each([
    ['^[a-z]+$', 'a'.repeat(10_000), 200],
    ['^[A-Z]{3}-\\d+$', 'ABC-12', 200],
    ['\\S', ' '.repeat(5_000), 400],
    ['\\S', `${' '.repeat(5_000)}x`, 200],
    ['ab+', `${'x'.repeat(3_000)}ab`, 200],
    ['ab+', `${'x'.repeat(5_000)}ab`, 400],
    ['^a+$', 'a'.repeat(5_000), 200],
    ['^x+', `${'x'.repeat(5_000)}ab`, 200],
    ['^(a|b+)$', 'b'.repeat(5_000), 200],
    ['^a|b+$', 'b'.repeat(5_000), 400],
    ['^[|(]+$', '|'.repeat(5_000), 200],
    ['^\\|+$', '|'.repeat(5_000), 200],
    ['x\\$', 'x$', 200],
  ])('%s is asked in time', async (pattern, value, status) => {
    expect((await call(await withPattern(pattern), `/x?p=${value.replaceAll(' ', '+')}`)).status).toBe(status)
  })
})

describe('a document that is not right stops the start, and says where', () => {
  const get = (operation: object) => ({ '/x': { get: operation } })
  const query = (parameter: object) => get({ parameters: [{ name: 'p', in: 'query', ...parameter }] })

  test.each<[paths: object, at: string, right: string]>([
    [query({ style: 'spaceDelimited' }), '/paths/~1x/get/parameters/0/style', 'form or deepObject in query'],
    [get({ parameters: [{ name: 'p', in: 'header', style: 'form' }] }), '/paths/~1x/get/parameters/0/style', 'simple in header'],
    [
      { '/x/{p}': { get: { parameters: [{ name: 'p', in: 'path', style: 'matrix' }] } } },
      '/paths/~1x~1{p}/get/parameters/0/style',
      'simple in path',
    ],
    [
      get({ parameters: [{ name: 'p', in: 'cookie', schema: { type: 'array' } }] }),
      '/paths/~1x/get/parameters/0',
      'explode: false',
    ],
    [get({ parameters: [{ name: 'p', in: 'path' }] }), '/paths/~1x/get/parameters/0', 'a parameter that the path has'],
    [get({ parameters: [{ name: 'p', in: 'body' }] }), '/paths/~1x/get/parameters/0', '`in` is path, query, header or cookie'],
    [get({ parameters: [{ in: 'query' }] }), '/paths/~1x/get/parameters/0', 'a parameter with a name'],
    [get({ parameters: {} }), '/paths/~1x/get/parameters', 'a list'],
    [query({ required: 'yes' }), '/paths/~1x/get/parameters/0/required', 'true or false'],
    [query({ content: { 'text/plain': {} } }), '/paths/~1x/get/parameters/0/content', 'of application/json'],
    [query({ schema: { type: 'objekt' } }), '/paths/~1x/get/parameters/0/schema', 'a schema that can be compiled: /type must be'],
    [query({ schema: 'string' }), '/paths/~1x/get/parameters/0/schema', 'a schema'],
    [
      query({ schema: { $ref: '#/components/schemas/None' } }),
      '/paths/~1x/get/parameters/0/schema',
      'something in this document',
    ],
    [query({ schema: { items: { $ref: '#/x' } } }), '/paths/~1x/get/parameters/0/schema', "can't resolve reference"],
    [query({ $ref: 'other.yaml#/x' }), '/paths/~1x/get/parameters/0/$ref', 'a reference within the document'],
    [query({ schema: { $ref: 'https://example.com/x' } }), '/paths/~1x/get/parameters/0/schema/$ref', 'within the document'],
    [get({ parameters: [{ $ref: '#/paths/~1x/get/parameters/0' }] }), '/paths/~1x/get/parameters/0', 'lead back to itself'],
    [get({ requestBody: { content: {} } }), '/paths/~1x/get/requestBody', 'at least one media type'],
    [get({ servers: [{ url: '/{v}' }] }), '/paths/~1x/get/servers/0', 'whose variable v has a default'],
    [get({ servers: [{ url: 'http://[' }] }), '/paths/~1x/get/servers/0', 'a server with a URL'],
    [{ '/x.{format}': { get: {} } }, '/paths/~1x.{format}', 'whose parameters are whole segments'],
    [{ '/{a}/{a}': { get: {} } }, '/paths/~1{a}~1{a}', 'different names'],
    [{ '/{a}': { get: {} }, '/{b}': { get: {} } }, '/paths/~1{b}/get', 'a route of its own'],
    [{ x: { get: {} } }, '/paths/x/get', 'a route of its own: router.route: path must be a path that starts with a slash'],
    [
      { '/a': { get: { operationId: 'x' } }, '/b': { get: { operationId: 'x' } } },
      '/paths/~1b/get/operationId',
      'than elsewhere',
    ],
    [[], '/paths', 'an object'],
  ])('%j', async (paths, at, right) => {
    const error = await refusal(routerOf(paths))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: `document#${at}` })
    expect(error.message).toContain(right)
    expect(error.message).toMatch(/^fromOpenAPI: /)
  })

  const refer = (name: string) => ({ $ref: `#/components/schemas/${name}` })
  const withSchemas = (schemas: object) =>
    routerOf(
      { '/x': { post: { requestBody: { content: { 'application/json': { schema: refer('A') } } } } } },
      { components: { schemas } },
    )

  test.each<[schemas: object, at: string]>([
    [{ A: refer('A') }, 'A'],
    [{ A: refer('B'), B: refer('A') }, 'A'],
    [{ A: refer('B'), B: refer('B') }, 'B'],
    [{ A: { allOf: [refer('A')] } }, 'A'],
    [{ A: { type: 'object', allOf: [refer('B')] }, B: { anyOf: [{ type: 'null' }, { oneOf: [refer('A')] }] } }, 'A'],
    [{ A: { not: refer('A') } }, 'A'],
    [{ A: { if: false, else: refer('A') } }, 'A'],
    [{ A: { dependentSchemas: { x: refer('A') } } }, 'A'],
    [{ A: { $anchor: 'self', allOf: [{ $ref: '#self' }] } }, 'A'],
    [{ A: { properties: { allOf: { items: refer('B') } } }, B: { allOf: [refer('B')] } }, 'B'],
  ])('a schema that asks itself about the same value: %j', async (schemas, at) => {
    const error = await refusal(withSchemas(schemas))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: `document#/components/schemas/${at}` })
    expect(error.message).toContain('never asks itself about the same value')
  })

  test('one that asks itself about a part of the value is taken, and one that nobody uses is not looked at', async () => {
    const tree = {
      type: 'object',
      properties: { allOf: refer('A'), not: refer('A') },
      additionalProperties: { allOf: [refer('A')] },
    }
    const router = await withSchemas({ A: tree, B: refer('B') })
    const status = async (value: object) => (await call(router, { method: 'POST', url: '/x', json: value })).status
    expect(await status({ allOf: { x: { not: {} } } })).toBe(200)
    expect(await status({ allOf: { x: { not: 1 } } })).toBe(422)
  })

  test.each<[document: unknown, right: string]>([
    [null, 'an OpenAPI document'],
    ['{}', 'an OpenAPI document'],
    [{}, 'OpenAPI 3.1, or 3.0'],
    [{ swagger: '2.0' }, 'OpenAPI 3.1, or 3.0'],
    [{ openapi: '4.0.0' }, 'OpenAPI 3.1, or 3.0'],
    [{ openapi: 3.1 }, 'a text'],
  ])('%j', async (document, right) => {
    expect((await refusal(fromOpenAPI(document as object, {}))).message).toContain(right)
  })

  test('an operation that nobody answers is refused, and so are names that no operation has', async () => {
    const document = documentOf({ '/x': { get: { operationId: 'x', tags: ['t'] } } })
    expect(await refusal(fromOpenAPI(document, {}))).toMatchObject({ path: 'document#/paths/~1x/get' })
    expect(await refusal(fromOpenAPI(document, { handlers: { y: shown } }))).toMatchObject({ path: 'handlers.y' })
    expect(await refusal(fromOpenAPI(document, { backends: { y: shown } }))).toMatchObject({ path: 'backends.y' })
  })

  test('an object that contains itself is refused; one that stands at two places is not', async () => {
    const twice: Record<string, unknown> = { type: 'string' }
    const more = { 'x-a': twice, 'x-b': [twice] }
    expect((await call(await routerOf(query({ schema: twice }), more), '/x')).status).toBe(200)
    twice['x-self'] = [twice]
    expect(await refusal(routerOf(query({}), more))).toMatchObject({ path: 'document#/x-a/x-self/0' })
  })
})
