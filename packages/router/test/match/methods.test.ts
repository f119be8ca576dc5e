import { chain, json, text } from '@gatelet/core'
import { createRouter } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const says = (words: string) => () => text(words)
const left = (ctx: { request: { headers: { get(name: string): string | undefined } } }) =>
  json(ctx.request.headers.get('max-forwards') ?? null)

describe('a method that nobody knows', () => {
  test('is 501, whatever the path', async () => {
    const router = createRouter().get('/a', says('a'))
    expect((await call(router, 'FROB /a')).status).toBe(501)
    expect((await call(router, 'FROB /b')).status).toBe(501)
    expect((await call(router, 'FROB /a')).headers.get('allow')).toBeUndefined()
  })

  test('is 405 or 404 where it is a standard one, or where some route has it', async () => {
    const router = createRouter().get('/a', says('a')).route({ method: 'FROB', path: '/b' }, says('b'))
    expect((await call(router, 'PATCH /a')).status).toBe(405)
    expect((await call(router, 'FROB /a')).status).toBe(405)
    expect((await call(router, 'FROB /c')).status).toBe(404)
    expect((await call(router, 'frob /a')).status).toBe(501)
  })

  test('goes to what may know it: a route for every method, or notFound', async () => {
    expect((await call(createRouter().get('/a', says('a')).any('/b', says('b')), 'FROB /a')).status).toBe(405)
    const router = createRouter((routes) => void routes.get('/a', says('a')), { notFound: says('legacy') })
    expect(await (await call(router, 'FROB /b')).text()).toBe('legacy')
  })
})

test('Allow tells the methods with which the same request would be taken', async () => {
  const router = createRouter({ tenant: (ctx) => ctx.request.headers.get('x-tenant') })
    .get('/a', says('get'))
    .route({ method: 'PUT', path: '/a', headers: { v: '2' } }, says('put'))
    .route({ method: 'DELETE', path: '/a', tenant: 'acme' }, says('delete'))
  const allow = async (headers: Record<string, string>) =>
    (await call(router, { method: 'POST', url: '/a', headers })).headers.get('allow')
  expect(await allow({})).toBe('GET, HEAD, OPTIONS')
  expect(await allow({ v: '2' })).toBe('GET, HEAD, OPTIONS, PUT')
  expect(await allow({ 'x-tenant': 'acme' })).toBe('DELETE, GET, HEAD, OPTIONS')
  expect(await allow({ 'x-tenant': 'other' })).toBe('GET, HEAD, OPTIONS')
})

test('a path whose conditions no method would meet is 404', async () => {
  const router = createRouter().route({ method: 'PUT', path: '/a', headers: { v: '2' } }, says('put'))
  expect((await call(router, '/a')).status).toBe(404)
  expect((await call(router, 'PUT /a')).status).toBe(404)
})

describe('Max-Forwards', () => {
  const router = createRouter().any('/any', left).options('/a', left).get('/a', left).mount('/m', createRouter().any('/x', left))
  const ask = (method: string, url: string, value?: string) =>
    call(router, { method, url, headers: value === undefined ? {} : { 'max-forwards': value } })

  test.each([
    ['OPTIONS', '/any', '7', '"6"'],
    ['OPTIONS', '/any', '1', '"0"'],
    ['OPTIONS', '/any', '007', '"6"'],
    ['OPTIONS', '/any', '99999999999999999999', '"9007199254740990"'],
    ['OPTIONS', '/m/x', '3', '"2"'],
    ['OPTIONS', '/m/x', '1', '"0"'],
    ['OPTIONS', '/any', undefined, 'null'],
    ['OPTIONS', '/any', '-1', '"-1"'],
    ['OPTIONS', '/any', 'x', '"x"'],
    ['TRACE', '/any', '2', '"1"'],
    ['GET', '/any', '0', '"0"'],
  ])('%s %s with %s is sent on with %s', async (method, url, value, sent) => {
    const reply = await ask(method, url, value)
    expect([reply.status, await reply.text()]).toEqual([200, sent])
  })

  test('of 0 is answered here, and nothing behind is asked', async () => {
    const options = await ask('OPTIONS', '/a', '0')
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
    const any = await ask('OPTIONS', '/any', '0')
    expect([any.status, any.headers.get('allow')]).toEqual([204, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'])
    const trace = await ask('TRACE', '/any', '0')
    expect([trace.status, trace.headers.get('allow')]).toEqual([501, undefined])
    expect((await ask('OPTIONS', '/none', '0')).status).toBe(404)
  })

  test('is counted once, also where a layer between two routers changes the path', async () => {
    const inner = createRouter().any('/y', left)
    const outer = createRouter().mount(
      '/x',
      chain()
        .use((ctx, next) => next(ctx.withRequest({ url: { path: '/y' } })))
        .to(inner),
    )
    expect(await (await call(outer, { method: 'OPTIONS', url: '/x', headers: { 'max-forwards': '5' } })).json()).toBe('4')
  })
})
