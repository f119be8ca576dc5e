import { chain, GatewayError, type Handler, switchProtocols, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { createRouter, type ResponseHeadersOptions, responseHeaders } from '@gatelet/router'
import { call, describeMiddleware, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from '../refusal.ts'

describeMiddleware('responseHeaders', () => responseHeaders({ set: { 'x-a': '1' } }), { describe, test })

const backend: Handler = () => {
  const reply = text('x')
  reply.headers.append('X-Old', 'one').append('x-old', 'two').append('set-cookie', 'a=1')
  return reply
}
const answered = async (options: ResponseHeadersOptions, handler = backend) => {
  const { headers } = await call(chain().use(responseHeaders(options)).to(handler))
  return headers.raw.filter((_, at, raw) => /^(x-|set-)/i.test(raw[at - (at % 2)] as string))
}
const cookie = ['set-cookie', 'a=1']

describe('header fields of a reply', () => {
  test.each<[string, ResponseHeadersOptions, string[]]>([
    ['set in the place of all of the name', { set: { 'X-OLD': 'new' } }, ['X-Old', 'new', ...cookie]],
    ['added behind them', { add: { 'set-cookie': 'b=2' } }, ['X-Old', 'one', 'x-old', 'two', ...cookie, 'set-cookie', 'b=2']],
    ['removed', { remove: ['x-OLD', 'set-cookie'] }, []],
    [
      'set, added, removed, in this order',
      { remove: ['x-old'], add: { 'x-a': '2', 'x-old': '3' }, set: { 'x-a': '1' } },
      [...cookie, 'x-a', '1', 'x-a', '2'],
    ],
    [
      'made of request and reply',
      { set: { 'x-old': (ctx, reply) => `${ctx.request.method} ${reply.status}` } },
      ['X-Old', 'GET 200', ...cookie],
    ],
    [
      'left where a function says so',
      { set: { 'x-old': () => undefined }, add: { 'x-b': () => undefined } },
      ['X-Old', 'one', 'x-old', 'two', ...cookie],
    ],
  ])('are %s', async (_, options, expected) => {
    expect(await answered(options)).toEqual(expected)
  })

  test('are on the reply that an error becomes, too', async () => {
    const failing: Handler = () => Promise.reject(new GatewayError('NO_ENDPOINT'))
    const reply = await call(
      chain()
        .use(responseHeaders({ set: { 'x-a': (_, { status }) => String(status) } }))
        .to(failing),
    )
    expect([reply.status, reply.headers.get('x-a')]).toEqual([503, '503'])
  })

  test('that a function made wrongly are 500, and the reply is ended', async () => {
    let isCancelled = false
    const body = {
      pipeTo: () => ({ pause() {}, resume() {} }),
      take: () => undefined,
      cancel: () => {
        isCancelled = true
      },
    }
    const reply = await call(
      chain()
        .use(responseHeaders({ set: { 'x-a': () => 'a\nb' } }))
        .to(() => ({ ...text('x'), body })),
    )
    expect([reply.status, (await reply.json<{ code: string }>()).code, isCancelled]).toEqual([500, 'BAD_HEADER', true])
  })

  test('are on what the router refuses, when they stand in front of it, and on an agreed handshake', async () => {
    const router = createRouter().get('/ws', () => ({
      ...text(''),
      status: 101,
      upgrade(socket, _head, headers) {
        switchProtocols(socket, headers)
        socket.end()
      },
    }))
    const handler = chain()
      .use(responseHeaders({ set: { 'x-a': '1' } }))
      .to(router)
    await using server = await serve(handler, { port: 0, host: '127.0.0.1' })
    const ask = async (path: string, more = '') =>
      (await rawRequest(server.port, `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${more}\r\n`, { responses: 1 })).responses[0]
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
    const replies = [await ask('/none'), await ask('/ws', upgrade)]
    expect(replies.map((reply) => [reply?.status, reply?.headers.get('x-a')])).toEqual([
      [404, '1'],
      [101, '1'],
    ])
  })
})

describe('responseHeaders refuses', () => {
  test.each<[options: unknown, path: string, right: RegExp]>([
    [{ set: { 'Content-Length': '1' } }, 'set.Content-Length', /neither frames the message/],
    [{ remove: ['keep-alive'] }, 'remove[0]', /belongs to one connection/],
    [{ add: { upgrade: 'h2c' } }, 'add.upgrade', /belongs to one connection/],
    [{ add: { 'x-ü': '1' } }, 'add.x-ü', /a name of letters/],
    [{ add: { 'x-a': 'ü€' } }, 'add.x-a', /a text that HTTP allows/],
    [{ set: [] }, 'set', /an object/],
  ])('%j', (options, path, right) => {
    const error = refusal(() => responseHeaders(untyped<ResponseHeadersOptions>(options)))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path })
    expect(error.message).toMatch(right)
  })
})
