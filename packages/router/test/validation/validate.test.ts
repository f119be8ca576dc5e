import { Readable } from 'node:stream'
import { type Context, chain, GatewayError, type Handler, HeaderList, json, sourceOf, text } from '@gatelet/core'
import { createRouter, type StandardSchema, validate } from '@gatelet/router'
import { call, exchange } from '@gatelet/testing'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const libraries: [name: string, schema: StandardSchema<unknown, { name: string; age: number }>][] = [
  ['zod', z.object({ name: z.string(), age: z.number() })],
  ['valibot', v.object({ name: v.string(), age: v.number() })],
  ['arktype', type({ name: 'string', age: 'number' })],
]

interface Problem {
  code: string
  status: number
  detail?: string
  errors: { in: string; path: string; message: string }[]
}

/** Shows what is in `valid`. */
const shown: Handler<{ valid: object }> = (ctx) => json(ctx.state.valid)

describe.each(libraries)('a schema of %s', (_, body) => {
  const handler = chain().use(validate({ body })).to(shown)

  test('lets through what is right', async () => {
    const answer = await call(handler, { json: { name: 'Ada', age: 36 } })
    expect([answer.status, await answer.json()]).toEqual([200, { body: { name: 'Ada', age: 36 } }])
  })

  test('refuses what is not with 422, and says where', async () => {
    const answer = await call(handler, { json: { name: 'Ada', age: 'x' } })
    expect(answer.status).toBe(422)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    const { code, errors } = await answer.json<Problem>()
    expect(code).toBe('INVALID_BODY')
    expect(errors).toEqual([{ in: 'body', path: '/age', message: expect.stringMatching(/number/) }])
  })

  test('is asked about undefined where there is no body', async () => {
    const answer = await call(handler, 'POST /')
    expect(answer.status).toBe(422)
    expect((await answer.json<Problem>()).errors[0]?.path).toBe('')
  })

  test('takes params and queries, which have no prototype', async () => {
    const one = body as unknown as StandardSchema<{ name: string; age: string }>
    const router = createRouter().get('/:name/:age', validate({ params: one }), (ctx) => json(ctx.state.valid.params))
    expect((await (await call(router, '/Ada/36')).json<Problem>()).errors[0]?.path).toBe('/age')
    const query = chain()
      .use(validate({ query: body }))
      .to(shown)
    expect((await (await call(query, '/?name=Ada&age=36')).json<Problem>()).errors[0]?.path).toBe('/age')
  })
})

describe('params, query and headers', () => {
  const router = createRouter().get(
    '/users/:id',
    validate({
      params: z.object({ id: z.string().regex(/^\d+$/).transform(Number) }),
      query: z.object({ page: z.coerce.number().default(1), tag: z.array(z.string()).optional() }),
      headers: z.object({ 'x-tenant': z.string() }),
    }),
    (ctx) => json(ctx.state.valid),
  )
  const headers = { 'X-Tenant': 'acme' }

  test('are there as the schemas have made them', async () => {
    const answer = await call(router, { url: '/users/7?page=2&tag=a&tag=b+c', headers })
    expect(await answer.json()).toEqual({
      params: { id: 7 },
      query: { page: 2, tag: ['a', 'b c'] },
      headers: { 'x-tenant': 'acme' },
    })
  })

  test('are refused together with 400', async () => {
    const answer = await call(router, '/users/x?page=x&tag=a')
    expect(answer.status).toBe(400)
    const { code, errors } = await answer.json<Problem>()
    expect(code).toBe('INVALID_REQUEST')
    expect(errors.map((each) => `${each.in}${each.path}`)).toEqual(['params/id', 'query/page', 'query/tag', 'headers/x-tenant'])
  })

  test('need no promise when the schemas are synchronous', () => {
    const { ctx } = exchange({ url: '/users/7', headers })
    expect(router(ctx)).not.toBeInstanceOf(Promise)
  })

  test.each([
    ['/users/7?page=%zz', 'must be percent-encoded UTF-8'],
    ['/users/7?a=%ff', 'must be percent-encoded UTF-8'],
    ['/users/7?__proto__=1', 'must not have the name __proto__'],
    ['/users/7?%5f_proto__=1', 'must not have the name __proto__'],
    [`/users/7?${'a&'.repeat(1001)}`, 'must have at most 1000 fields'],
  ])('%.40s is refused as a query', async (url, message) => {
    const answer = await call(router, { url, headers })
    expect([answer.status, (await answer.json<Problem>()).errors]).toEqual([400, [{ in: 'query', path: '', message }]])
  })
})

test('header lines of one name are one value', async () => {
  const seen: unknown[] = []
  const any = z.custom<unknown>((value) => seen.push(value) > 0)
  const list: [string, string][] = [
    ['X-A', '1'],
    ['x-a', '2'],
    ['Cookie', 'a=1'],
    ['cookie', 'b=2'],
  ]
  await call(
    chain()
      .use(validate({ headers: any }))
      .to(shown),
    { headers: list },
  )
  expect(seen).toEqual([{ 'x-a': '1, 2', cookie: 'a=1; b=2', host: 'localhost' }])
})

describe('a body', () => {
  const seen: unknown[] = []
  const any = z.custom<unknown>((value) => seen.push(value) > 0)
  const handler = chain()
    .use(validate({ body: any, maxBodyBytes: 100 }))
    .to(shown)
  const send = (body: string | Uint8Array | Readable, type?: string, more: Record<string, string> = {}) =>
    call(handler, { method: 'POST', body, headers: { ...(type && { 'content-type': type }), ...more } })

  test.each([
    ['application/json'],
    ['application/json; charset=utf-8'],
    ['APPLICATION/JSON;charset="UTF-8"'],
    ['application/problem+json'],
    ['application/merge-patch+json'],
  ])('of %s is read as JSON', async (type) => {
    expect((await send('[1]', type)).status).toBe(200)
    expect(seen.at(-1)).toEqual([1])
  })

  test.each([
    [undefined, {}],
    ['text/plain', {}],
    ['text/json', {}],
    ['application/jsonp', {}],
    ['application/x-www-form-urlencoded', {}],
    ['application/json; charset=latin1', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ])('of type %s with %o is refused with 415', async (type, more) => {
    const answer = await send('[1]', type, more)
    expect([answer.status, (await answer.json<Problem>()).code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  })

  test('of another type is told which are taken', async () => {
    const answer = await send('x', 'text/plain')
    expect(answer.headers.get('accept')).toBe('application/json')
    expect((await answer.json<Problem>()).detail).toBe('Taken is application/json')
    expect((await send('x', 'application/json', { 'content-encoding': 'br' })).headers.get('accept-encoding')).toBe('identity')
  })

  test.each([
    'application/json; charset=utf-8; charset=utf-16',
    'application/json, application/x-www-form-urlencoded',
    'application/json; a, application/x-www-form-urlencoded',
  ])('that says two things at once, %s, is 415: who is behind may read the other', async (type) => {
    expect((await send('{}', type)).status).toBe(415)
  })

  test('of two lines of Content-Type is 415', async () => {
    const lines = new HeaderList([
      ['content-type', 'application/json; a="'],
      ['content-type', 'text/plain; b="'],
    ])
    expect((await call(handler, { method: 'POST', body: '{}', headers: lines })).status).toBe(415)
  })

  test('is refused with 413 when it is too long, announced or not', async () => {
    const long = `"${'x'.repeat(100)}"`
    expect((await send(long, 'application/json')).status).toBe(413)
    expect((await send(Readable.from([Buffer.from(long)]), 'application/json')).status).toBe(413)
  })

  test('that is not JSON is refused with 400, and nothing of it is told', async () => {
    const answer = await send('{"secret": tru}', 'application/json')
    expect(answer.status).toBe(400)
    const { code, errors } = await answer.json<Problem>()
    expect(code).toBe('MALFORMED_BODY')
    expect(errors).toEqual([{ in: 'body', path: '', message: 'must be JSON; at position 11, a value is expected' }])
  })

  test.each([
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['behind a byte order mark', '\ufeff[1]'],
    ['a name twice', '{"a":1,"\\u0061":2}'],
    ['__proto__', '{"a":{"__proto__":{"admin":true}}}'],
  ])('that is %s is refused with 400', async (_, body) => {
    expect((await send(body, 'application/json')).status).toBe(400)
  })

  test('that is empty is undefined, whatever its type', async () => {
    expect((await send('', 'text/plain')).status).toBe(200)
    expect(seen.at(-1)).toBeUndefined()
    expect((await send(Readable.from([]), 'application/json')).status).toBe(200)
    expect(seen.at(-1)).toBeUndefined()
  })

  test('may be a form, where that is said', async () => {
    const form = chain()
      .use(validate({ body: z.object({ a: z.string(), b: z.array(z.string()) }), bodyTypes: ['json', 'form'], maxFields: 3 }))
      .to(shown)
    const ask = (body: string) =>
      call(form, { body, headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' } })
    expect(await (await ask('a=1&b=2&b=%C3%A9')).json()).toEqual({ body: { a: '1', b: ['2', 'é'] } })
    expect((await ask('a=1&b=2&b=3&b=4')).status).toBe(400)
    expect((await ask('a=%')).status).toBe(400)
    const other = await call(form, { body: 'x', headers: { 'content-type': 'text/plain' } })
    expect(other.headers.get('accept')).toBe('application/json, application/x-www-form-urlencoded')
  })

  test('is not read when something before it is wrong', async () => {
    let started = false
    const body = new Readable({
      read() {
        started = true
        this.push(null)
      },
    })
    const both = chain()
      .use(validate({ query: z.object({ a: z.string() }), body: any }))
      .to(shown)
    const answer = await call(both, { body, headers: { 'content-type': 'application/json' } })
    expect([answer.status, started]).toEqual([400, false])
  })

  test('goes on to who is behind as the same bytes, read or not', async () => {
    const written = '{ "a" : 1.0 }'
    const behind: Handler = async (ctx) => {
      const { pipeTo } = sourceOf(ctx.request.body)
      expect(pipeTo).toBeDefined()
      const taken = sourceOf(ctx.request.body).take()
      return text(`${Buffer.from(taken ?? []).toString()} ${ctx.request.headers.get('transfer-encoding')}`)
    }
    const twice = chain()
      .use(validate({ body: z.object({ a: z.number() }).transform(() => 'other') }))
      .use(validate({ body: z.object({ a: z.number() }) }))
      .to(behind)
    const body = Readable.from([Buffer.from(written.slice(0, 3)), Buffer.from(written.slice(3))])
    const answer = await call(twice, { body, headers: { 'content-type': 'application/json' } })
    expect(await answer.text()).toBe(`${written} undefined`)
  })

  test('whose client leaves while it is read ends the exchange', async () => {
    const open = exchange({ body: new Readable({ read() {} }), headers: { 'content-type': 'application/json' } })
    const asked = open.ask(handler)
    open.abort()
    await expect(asked).resolves.toMatchObject({ status: 499 })
  })
})

test('two layers tell what both have found', async () => {
  const handler = chain()
    .use(validate({ query: z.object({ a: z.string() }) }))
    .use(validate({ body: z.number() }))
    .to((ctx) => json([ctx.state.valid.query.a, ctx.state.valid.body]))
  expect(await (await call(handler, { url: '/?a=x', json: 7 })).json()).toEqual(['x', 7])
})

test('schemas may take their time', async () => {
  const free = z.object({ name: z.string().refine(async (name) => name !== 'taken', 'is taken') })
  const handler = chain()
    .use(validate({ query: free, body: free }))
    .to(shown)
  expect((await call(handler, { url: '/?name=a', json: { name: 'b' } })).status).toBe(200)
  const answer = await call(handler, { url: '/?name=taken', json: { name: 'b' } })
  expect((await answer.json<Problem>()).errors).toEqual([{ in: 'query', path: '/name', message: 'is taken' }])
})

describe('what is told', () => {
  const issues = (count: number): StandardSchema => ({
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: () => ({
        issues: Array.from({ length: count }, (_, at) => ({ message: `m\n${'x'.repeat(300)}`, path: ['a/b', { key: '~' }, at] })),
      }),
    },
  })

  test('is a bounded number of mistakes, each with an end', async () => {
    const ask = async (schema: StandardSchema, maxErrors?: number) => {
      const handler = chain()
        .use(validate({ query: schema, ...(maxErrors && { maxErrors }) }))
        .to(shown)
      return (await (await call(handler, '/')).json<Problem>()).errors
    }
    const errors = await ask(issues(500))
    expect(errors).toHaveLength(20)
    expect(errors[1]).toEqual({ in: 'query', path: '/a~1b/~0/1', message: `m ${'x'.repeat(198)}…` })
    expect(await ask(issues(500), 3)).toHaveLength(3)
    expect(await ask(issues(5_000), 1_000)).toHaveLength(1_000)
    expect(await ask(issues(0))).toEqual([{ in: 'query', path: '', message: 'is not valid' }])
  })

  test('is nothing of a schema that fails itself', async () => {
    const broken: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new Error('secret')
        },
      },
    }
    const answer = await call(
      chain()
        .use(validate({ query: broken }))
        .to(shown),
      '/',
    )
    expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining('secret')])
  })
})

test('nothing to validate is a mistake that stops the start', () => {
  expect(() => validate({})).toThrow(/validate: the options must be schemas of at least one of params, query, headers and body/)
  expect(() => validate({ bodyTypes: ['json'] })).toThrow(GatewayError)
})

test('context of an upgrade has no body to read', async () => {
  const handler = chain()
    .use(validate({ query: z.object({ a: z.string() }), body: z.undefined() }))
    .to((ctx: Context) => text(ctx.request.kind))
  expect(await (await call(handler, { kind: 'upgrade', url: '/?a=1' })).text()).toBe('upgrade')
})
