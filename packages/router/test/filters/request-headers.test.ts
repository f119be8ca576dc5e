import { type Context, json } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type RequestHeadersOptions, requestHeaders } from '@gatelet/router'
import { call, describeMiddleware, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from '../refusal.ts'

describeMiddleware('requestHeaders', () => requestHeaders({ set: { 'x-a': '1' }, remove: ['x-b'] }), { describe, test })

const seen = (ctx: Context) => json(ctx.request.headers.raw.filter((_, at, raw) => /^x-/i.test(raw[at - (at % 2)] as string)))
const headers: [string, string][] = [
  ['X-Old', 'one'],
  ['x-old', 'two'],
]
const asked = async (options: RequestHeadersOptions, like: [string, string][] = headers) =>
  (await call((ctx) => requestHeaders(options)(ctx, seen), { headers: like })).json()

describe('header fields of a request', () => {
  // The examples of the Gateway API's HTTPHeaderFilter.
  test.each<[string, RequestHeadersOptions, unknown]>([
    ['set in the place of one', { set: { 'X-OLD': 'new' } }, ['X-Old', 'new']],
    ['set that were not there', { set: { 'x-new': 'new' } }, ['X-Old', 'one', 'x-old', 'two', 'x-new', 'new']],
    ['added behind those that are there', { add: { 'x-old': 'three' } }, ['X-Old', 'one', 'x-old', 'two', 'x-old', 'three']],
    ['removed, all of the name', { remove: ['x-OLD'] }, []],
    ['set, then added to', { add: { 'x-a': '2' }, set: { 'x-a': '1' }, remove: ['x-old'] }, ['x-a', '1', 'x-a', '2']],
    ['removed last of all', { remove: ['x-a', 'x-old'], set: { 'x-a': '1' }, add: { 'x-a': '2', 'x-b': '3' } }, ['x-b', '3']],
    ['left alone', {}, ['X-Old', 'one', 'x-old', 'two']],
  ])('are %s', async (_, options, expected) => {
    expect(await asked(options)).toEqual(expected)
  })

  test('are made of the request as it came, and of the state of earlier layers', async () => {
    const layer = requestHeaders<{ user: string }>({
      set: { 'x-user': (ctx) => ctx.state.user, 'x-old': () => undefined },
      add: { 'x-was': (ctx) => ctx.request.headers.get('x-user') ?? 'nobody' },
    })
    const reply = await call((ctx) => layer(ctx.with({ user: 'ada' }), seen), { headers })
    expect(await reply.json()).toEqual(['X-Old', 'one', 'x-old', 'two', 'x-user', 'ada', 'x-was', 'nobody'])
  })

  test('that a function made wrongly are 500, and nobody behind is asked', async () => {
    const layer = requestHeaders({ set: { 'x-a': (ctx) => decodeURIComponent(ctx.request.url.search) } })
    const reply = await call((ctx) => layer(ctx, seen), '/?a%0d%0ax-evil:1')
    expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([500, 'BAD_HEADER'])
  })

  test('reach those behind it over a socket, of handshakes too', async () => {
    const layer = requestHeaders({ set: { 'x-tenant': 'a' }, remove: ['cookie'] })
    await using server = await serve((ctx) => layer(ctx, (asked) => json([...asked.request.headers])), {
      port: 0,
      host: '127.0.0.1',
    })
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
    for (const more of ['', upgrade]) {
      const { responses } = await rawRequest(server.port, `GET / HTTP/1.1\r\nHost: a.test\r\nCookie: a=1\r\n${more}\r\n`, {
        responses: 1,
      })
      const fields = new Map(JSON.parse(responses[0]?.text ?? '') as [string, string][])
      expect([fields.get('x-tenant'), fields.has('Cookie'), fields.has('Upgrade')]).toEqual(['a', false, more !== ''])
    }
  })
})

describe('requestHeaders refuses', () => {
  test.each<[options: unknown, path: string, right: RegExp]>([
    [{ set: { 'content-length': '1' } }, 'set.content-length', /neither frames the message/],
    [{ add: { 'Transfer-Encoding': 'chunked' } }, 'add.Transfer-Encoding', /neither frames the message/],
    [{ remove: ['x-a', 'Connection'] }, 'remove[1]', /belongs to one connection/],
    [{ remove: ['te'] }, 'remove[0]', /belongs to one connection/],
    [{ set: { Host: 'a' } }, 'set.Host', /use rewrite\(\{ host \}\)/],
    [{ remove: ['expect'] }, 'remove[0]', /neither frames the message/],
    [{ set: { 'x a': '1' } }, 'set.x a', /a name of letters/],
    [{ set: { 'x-a': 'a\r\nx: 1' } }, 'set.x-a', /a text that HTTP allows/],
    [{ set: { 'x-a': 7 } }, 'set.x-a', /a text that HTTP allows/],
    [{ set: { 'x-a': '1', 'X-A': '2' } }, 'set.X-A', /a name that stands there once/],
    [{ set: 'x-a: 1' }, 'set', /an object/],
    [{ remove: 'x-a' }, 'remove', /a list/],
    [{ ste: {} }, 'ste', /did you mean set/],
  ])('%j', (options, path, right) => {
    const error = refusal(() => requestHeaders(untyped<RequestHeadersOptions>(options)))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path })
    expect(error.message).toMatch(/^requestHeaders: /)
    expect(error.message).toMatch(right)
  })
})
