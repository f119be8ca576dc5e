import { type Context, chain, GatewayError, type Handler, json } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type RequestIdOptions, requestId } from '@gatelet/router'
import { call, describeMiddleware, rawRequest, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from '../refusal.ts'

describeMiddleware('requestId', () => requestId(), { describe, test, adds: ['requestId'] })

const seen = (ctx: Context<{ requestId: string }>) => json([ctx.state.requestId, ctx.request.headers.get('x-request-id')])
const trusted = { address: '192.0.2.1', peer: '10.0.0.1', viaTrustedProxy: true }
const direct = { address: '192.0.2.1', peer: '192.0.2.1', viaTrustedProxy: false }

/** The id that those behind the layer see. */
async function idOf(sent: string, client: typeof trusted, options: RequestIdOptions = {}): Promise<string> {
  const handler = chain().use(requestId(options)).to(seen)
  const reply = await call(handler, { headers: { 'x-request-id': sent }, client })
  const [state, header] = await reply.json<string[]>()
  expect([header, reply.headers.get('x-request-id')]).toEqual([state, state])
  return state as string
}

const v4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('an id that came with the request', () => {
  test.each<[whose: string, client: typeof trusted, accept: RequestIdOptions['accept'], isTaken: boolean]>([
    ['from a trusted proxy', trusted, undefined, true],
    ['from anybody', direct, undefined, false],
    ['from anybody, where that is wanted', direct, 'anybody', true],
    ['from a trusted proxy, where that is not wanted', trusted, 'nobody', false],
  ])('%s', async (_, client, accept, isTaken) => {
    const id = await idOf('mine-1', client, accept === undefined ? {} : { accept })
    if (isTaken) expect(id).toBe('mine-1')
    else expect(id).toMatch(v4)
  })

  test.each(['a', 'A-z_0.9~+/=:@', 'x'.repeat(128)])('is taken over when it is harmless: %s', async (id) => {
    expect(await idOf(id, trusted)).toBe(id)
  })

  test.each(['', 'x'.repeat(129), 'a b', 'a,b', 'a"b', '<b>', 'a\tb', 'é', '{jndi}', 'a;b'])('is not: %j', async (id) => {
    expect(await idOf(id, trusted)).toMatch(v4)
  })

  test('is not taken over when there are two', async () => {
    const headers: [string, string][] = [
      ['x-request-id', 'a'],
      ['X-Request-Id', 'b'],
    ]
    const reply = await call(chain().use(requestId()).to(seen), { headers, client: trusted })
    const [state, header] = await reply.json<string[]>()
    expect(state).toMatch(v4)
    expect(header).toBe(state)
  })
})

describe('an id that is made', () => {
  test('is another one for each request', async () => {
    const handler = chain().use(requestId()).to(seen)
    const ids = await Promise.all(Array.from({ length: 50 }, async () => (await call(handler)).headers.get('x-request-id')))
    expect(new Set(ids).size).toBe(50)
  })

  test('by time begins with the time, in order, as a UUID of version 7', async () => {
    const clock = virtualClock({ date: 0x0192_3456_789a })
    const one = await idOf('', direct, { make: 'uuid-v7', clock })
    await clock.advance(1)
    const other = await idOf('', direct, { make: 'uuid-v7', clock })
    expect(one).toMatch(/^01923456-789a-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(other).toMatch(/^01923456-789b-7/)
    expect(one < other).toBe(true)
  })

  test('is what a function says, and 500 where no field can carry that', async () => {
    expect(await idOf('', direct, { make: (ctx) => `of ${ctx.request.method}` })).toBe('of GET')
    const reply = await call(
      chain()
        .use(requestId({ make: () => 'a\nb' }))
        .to(seen),
    )
    expect(reply.status).toBe(500)
  })
})

test('the field has the name that is wanted, and the client is told only where it should be', async () => {
  const handler = chain()
    .use(requestId({ header: 'X-Trace', reply: false }))
    .to((ctx) => json([ctx.request.headers.get('x-trace')]))
  const reply = await call(handler)
  expect((await reply.json<string[]>())[0]).toMatch(v4)
  expect(reply.headers.has('x-trace')).toBe(false)
})

test('the id of the upstream does not take the place of ours', async () => {
  const handler = chain()
    .use(requestId({ make: () => 'ours' }))
    .to(() => json(1, { headers: { 'X-Request-ID': 'theirs' } }))
  expect((await call(handler)).headers.getAll('x-request-id')).toEqual(['ours'])
})

test('the client is told on errors, too, over a socket, and of trusted proxies by their address', async () => {
  const failing: Handler = () => Promise.reject(new GatewayError('NO_ENDPOINT'))
  const handler = chain().use(requestId()).to(failing)
  await using server = await serve(handler, { port: 0, host: '127.0.0.1', trustedProxies: ['127.0.0.1'] })
  const { responses } = await rawRequest(server.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: edge-7\r\n\r\n', {
    responses: 1,
  })
  expect([responses[0]?.status, responses[0]?.headers.get('x-request-id')]).toEqual([503, 'edge-7'])
})

test.each<[options: unknown, path: string, right: RegExp]>([
  [{ header: 'x id' }, 'header', /a name of letters/],
  [{ header: 'content-length' }, 'header', /neither frames/],
  [{ header: 'host' }, 'header', /a name of your own/],
  [{ accept: 'all' }, 'accept', /"anybody"/],
  [{ make: 'uuid' }, 'make', /'uuid-v4', 'uuid-v7', or a function/],
  [{ reply: 1 }, 'reply', /true or false/],
])('requestId refuses %j', (options, path, right) => {
  const error = refusal(() => requestId(untyped<RequestIdOptions>(options)))
  expect(error).toMatchObject({ code: 'BAD_OPTION', path })
  expect(error.message).toMatch(right)
})
