import { call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { type Problem, routerOf, withParameter } from './document.ts'

const list = { type: 'array', items: { type: 'integer' } }
const color = { type: 'object', properties: { r: { type: 'integer' }, name: { type: 'string' } } }

describe('a query parameter', () => {
  test.each<[parameter: object, query: string, value: unknown]>([
    [{ schema: { type: 'string' } }, 'p=a+b%2Bc', 'a b+c'],
    [{ schema: { type: 'string' } }, 'p=7', '7'],
    [{}, 'p=7', '7'],
    [{ schema: { type: 'integer' } }, 'p=-7', -7],
    [{ schema: { type: 'number' } }, 'p=1.5e3', 1500],
    [{ schema: { type: 'boolean' } }, 'p=true', true],
    [{ schema: { type: ['integer', 'null'] } }, 'p=', null],
    [{ schema: { type: 'integer', nullable: true } }, 'p=', null],
    [{ schema: { enum: [1, 2] } }, 'p=2', 2],
    [{ schema: { const: true } }, 'p=true', true],
    [{ schema: { type: ['string', 'integer'] } }, 'p=7', '7'],
    [{ schema: { anyOf: [{ type: 'integer' }, { type: 'boolean' }] } }, 'p=false', false],
    [{ schema: { allOf: [{ type: 'integer' }, { minimum: 3 }] } }, 'p=7', 7],
    [{ schema: list }, 'p=1&p=2', [1, 2]],
    [{ schema: list }, 'p=1', [1]],
    [{ schema: list, explode: false }, 'p=1,2', [1, 2]],
    [{ schema: list, explode: false }, 'p=', []],
    [{ schema: { type: 'array' }, explode: false }, 'p=a%2Cb,c', ['a,b', 'c']],
    [{ schema: color, explode: false }, 'p=r,7,name,x', { r: 7, name: 'x' }],
    [{ schema: color }, 'r=7&name=x&other=1', { r: 7, name: 'x' }],
    [{ schema: color, style: 'deepObject' }, 'p[r]=7&p%5Bname%5D=x&q[r]=1&p[a][b]=1', { r: 7, name: 'x' }],
    [
      { schema: { type: 'object', properties: { tags: { type: 'array' } } }, style: 'deepObject' },
      'p[tags]=a&p[tags]=b',
      { tags: ['a', 'b'] },
    ],
    [{ schema: { type: 'object', additionalProperties: { type: 'integer' } }, style: 'deepObject' }, 'p[x]=1', { x: 1 }],
    [{ content: { 'application/json': { schema: color } } }, 'p=%7B%22r%22:7%7D', { r: 7 }],
    [{ schema: { $ref: '#/paths/~1y/x-list' } }, 'p=1&p=2', [1, 2]],
  ])('%j is read from ?%s', async (parameter, query, value) => {
    const paths = { '/x': { get: { parameters: [{ name: 'p', in: 'query', ...parameter }] } }, '/y': { 'x-list': list } }
    const answer = await call(await routerOf(paths), `/x?${query}`)
    expect(await answer.json()).toMatchObject({ query: { p: value } })
  })

  test.each<[parameter: object, query: string, message: string]>([
    [{ required: true, schema: { type: 'string' } }, '', 'must be there'],
    [{ schema: { type: 'integer' } }, 'p=x', 'must be integer'],
    [{ schema: { type: 'integer' } }, 'p=1.5', 'must be integer'],
    [{ schema: { type: 'integer' } }, 'p=0x10', 'must be integer'],
    [{ schema: { type: 'integer' } }, 'p=+7', 'must be integer'],
    [{ schema: { type: 'integer' } }, 'p=07', 'must be integer'],
    [{ schema: { type: 'integer' } }, 'p=', 'must be integer'],
    [{ schema: { type: 'integer' } }, 'p=9007199254740993', 'must be integer'],
    [{ schema: { type: 'number' } }, 'p=1e999', 'must be number'],
    [{ schema: { type: 'boolean' } }, 'p=1', 'must be boolean'],
    [{ schema: { type: 'string' } }, 'p=a&p=b', 'must not come more than once'],
    [{ schema: { type: 'string' } }, 'p=%ff', 'must be percent-encoded UTF-8'],
    [{ schema: list, explode: false }, 'p=1&p=2', 'must not come more than once'],
    [{ schema: color, explode: false }, 'p=r,7,name', 'must have a value for each name'],
    [{ schema: color, style: 'deepObject' }, 'p[__proto__]=1', 'must not have the name __proto__'],
    [{ schema: { type: 'object' }, explode: false }, 'p=__proto__,1', 'must not have the name __proto__'],
    [{ content: { 'application/json': {} } }, 'p=%7B', 'must be JSON; at position 1, a name in double quotes is expected'],
    [{ schema: { type: 'string', pattern: '^a+$' } }, 'p=b', 'must match pattern "^a+$"'],
    [{ schema: false }, 'p=b', 'boolean schema is false'],
  ])('%j refuses ?%s', async (parameter, query, message) => {
    const answer = await call(await withParameter({ name: 'p', in: 'query', ...parameter }), `/x?${query}`)
    expect(answer.status).toBe(400)
    expect((await answer.json<Problem>()).errors).toEqual([{ in: 'query', path: '/p', message }])
  })

  test('that is not there is missing, and so is what nobody has described', async () => {
    const answer = await call(await withParameter({ name: 'p', in: 'query', schema: { type: 'string' } }), '/x?q=1')
    expect(await answer.json()).toMatchObject({ query: {} })
  })

  test('says where in its value something is wrong', async () => {
    const router = await withParameter({ name: 'a/b', in: 'query', schema: list })
    const answer = await call(router, '/x?a/b=1&a/b=x')
    expect((await answer.json<Problem>()).errors[0]).toEqual({ in: 'query', path: '/a~1b/1', message: 'must be integer' })
  })
})

describe('a path parameter', () => {
  test.each<[parameter: object, path: string, value: unknown]>([
    [{ schema: { type: 'integer' } }, '7', 7],
    [{ schema: { type: 'string' } }, 'a%20b', 'a b'],
    [{ schema: list }, '1,2', [1, 2]],
    [{ schema: color }, 'r,7', { r: 7 }],
    [{ schema: color, explode: true }, 'r=7,name=x', { r: 7, name: 'x' }],
  ])('%j is read from /%s', async (parameter, path, value) => {
    const router = await withParameter({ name: 'p', in: 'path', required: true, ...parameter }, '/x/{p}')
    expect(await (await call(router, `/x/${path}`)).json()).toMatchObject({ params: { p: value } })
  })

  test('is refused with 400', async () => {
    const router = await withParameter({ name: 'p', in: 'path', required: true, schema: { type: 'integer' } }, '/x/{p}')
    const answer = await call(router, '/x/a')
    expect([answer.status, (await answer.json<Problem>()).errors[0]?.path]).toEqual([400, '/p'])
  })

  test('may have a name that the router has not', async () => {
    const parameters = ['user-id', '__proto__x'].map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'integer' },
    }))
    const router = await routerOf({ '/users/{user-id}/{__proto__x}': { get: { parameters } } })
    expect(await (await call(router, '/users/7/8')).json()).toMatchObject({ params: { 'user-id': 7, __proto__x: 8 } })
  })
})

describe('headers and cookies', () => {
  test.each<[parameter: object, headers: Record<string, string>, found: object]>([
    [{ name: 'X-Page', in: 'header', schema: { type: 'integer' } }, { 'x-page': '7' }, { headers: { 'X-Page': 7 } }],
    [{ name: 'x-ids', in: 'header', schema: list }, { 'X-Ids': '1, 2' }, { headers: { 'x-ids': [1, 2] } }],
    [{ name: 'c', in: 'cookie', schema: { type: 'integer' } }, { cookie: 'a=1; c=7;d' }, { cookies: { c: 7 } }],
    [{ name: 'c', in: 'cookie', explode: false, schema: list }, { cookie: 'c=1,2' }, { cookies: { c: [1, 2] } }],
    [{ name: 'c', in: 'cookie' }, { cookie: 'other%=%; c=a+b%20c' }, { cookies: { c: 'a+b c' } }],
    [{ name: 'c', in: 'cookie', content: { 'application/json': {} } }, { cookie: 'c=[1]' }, { cookies: { c: [1] } }],
    [{ name: 'Authorization', in: 'header', required: true, schema: { type: 'integer' } }, {}, { headers: {} }],
  ])('%j is read from %j', async (parameter, headers, found) => {
    expect(await (await call(await withParameter(parameter), { url: '/x', headers })).json()).toMatchObject(found)
  })

  test('are refused like the others', async () => {
    const router = await withParameter({ name: 'c', in: 'cookie', required: true, schema: { type: 'integer' } })
    const errors = async (cookie: string) =>
      (await (await call(router, { url: '/x', headers: { cookie } })).json<Problem>()).errors
    expect(await errors('d=1')).toEqual([{ in: 'cookies', path: '/c', message: 'must be there' }])
    expect(await errors('c=1; c=2')).toEqual([{ in: 'cookies', path: '/c', message: 'must not come more than once' }])
  })
})

test('parameters of the path hold for its operations, which may say otherwise', async () => {
  const of = (type: string) => ({ name: 'p', in: 'query', schema: { type } })
  const router = await routerOf({
    '/x': { parameters: [of('integer'), { ...of('integer'), name: 'q' }], get: { parameters: [of('boolean')] }, put: {} },
  })
  expect(await (await call(router, '/x?p=true&q=1')).json()).toMatchObject({ query: { p: true, q: 1 } })
  expect(await (await call(router, 'PUT /x?p=1')).json()).toMatchObject({ query: { p: 1 } })
})

test('all parameters are looked at together, and too many fields are refused', async () => {
  const parameters = ['a', 'b', 'c'].map((name) => ({ name, in: 'query', required: true }))
  const router = await routerOf({ '/x': { get: { parameters } } }, {}, { maxFields: 3, maxErrors: 2 })
  const answer = await call(router, '/x')
  expect((await answer.json<Problem>()).errors.map(({ path }) => path)).toEqual(['/a', '/b'])
  expect(await (await call(router, '/x?a&b&c&d')).json()).toMatchObject({
    errors: [{ in: 'query', path: '', message: 'must have at most 3 fields' }],
  })
})

test('a name in the query that cannot be read is refused, a value that nobody asked for is not looked at', async () => {
  const router = await withParameter({ name: 'p', in: 'query' })
  const answer = await call(router, '/x?p=1&%ff=1')
  expect((await answer.json<Problem>()).errors).toEqual([{ in: 'query', path: '', message: 'must be percent-encoded UTF-8' }])
  expect((await call(router, '/x?p=1&q=%ff')).status).toBe(200)
})
