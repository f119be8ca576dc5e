import { bytesOf, chain, json, type Middleware } from '@gatelet/core'
import { azureFunction, cloudEvent, googleFunction, openFaas } from '@gatelet/functions'
import { type CallRequest, call, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

interface Seen {
  method: string
  path: string
  headers: Record<string, string>
  body: string
}

/** What a function behind a layer sees of a request. */
async function seenBehind(layer: Middleware, request: CallRequest | string): Promise<Seen> {
  const handler = chain()
    .use(layer)
    .to(async ({ request: { method, url, headers, body } }) =>
      json({
        method,
        path: url.path + url.search,
        headers: Object.fromEntries([...headers].map(([name, value]) => [name.toLowerCase(), value])),
        body: Buffer.from(await bytesOf(body, 10_000)).toString(),
      }),
    )
  const answer = await call(handler, request)
  expect(answer.status).toBe(200)
  return answer.json()
}

const tokenOf = (exp: number) => `a.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.b`

describe('googleFunction', () => {
  test('proves who calls, and leaves the client’s own credentials', async () => {
    const asked: string[] = []
    const layer = googleFunction({ audience: 'https://f.run.app', token: (audience) => `${asked.push(audience)}` })
    const headers = { authorization: 'Bearer client', 'X-Serverless-Authorization': 'Bearer forged' }
    const seen = await seenBehind(layer, { url: '/', headers })
    expect(seen.headers).toMatchObject({ authorization: 'Bearer client', 'x-serverless-authorization': 'Bearer 1' })
    expect(asked).toEqual(['https://f.run.app'])
  })

  test('makes a token again a minute before its end, once for all who wait', async () => {
    const clock = virtualClock()
    let made = 0
    const token = async () => {
      made++
      return tokenOf(clock.date() / 1_000 + 600)
    }
    const layer = googleFunction({ audience: 'a', token, clock })
    await Promise.all([seenBehind(layer, '/'), seenBehind(layer, '/')])
    await clock.advance(539_000)
    await seenBehind(layer, '/')
    expect(made).toBe(1)
    await clock.advance(1_000)
    await Promise.all([seenBehind(layer, '/'), seenBehind(layer, '/')])
    expect(made).toBe(2)
  })

  test.each([() => Promise.reject(new Error('secret')), () => 'a\r\nb', () => undefined as never])(
    'answers 502 where there is no token, and asks again for the next',
    async (fail) => {
      let isBroken = true
      const layer = googleFunction({ audience: 'a', token: () => (isBroken ? fail() : 'token') })
      const handler = chain()
        .use(layer)
        .to(() => json({}))
      const answer = await call(handler)
      expect([answer.status, await answer.text()]).toEqual([502, expect.not.stringContaining('secret')])
      isBroken = false
      expect((await call(handler)).status).toBe(200)
    },
  )
})

test.each([
  ['/a?x=1', '/a?x=1'],
  ['/a?code=forged', '/a'],
  ['/a?x=1&code=forged&y=%20', '/a?x=1&y=%20'],
  ['/a?%63ode=forged&CODE=b&x', '/a?x'],
  ['/a?decode=1', '/a?decode=1'],
])('azureFunction brings its key and takes away those of clients: %s', async (url, path) => {
  const seen = await seenBehind(azureFunction({ key: 'k' }), { url, headers: { 'x-functions-key': 'forged' } })
  expect([seen.path, seen.headers['x-functions-key']]).toEqual([path, 'k'])
})

test('azureFunction never shows its key in an error', () => {
  expect(() => azureFunction({ key: 'the secret\n' })).toThrow(/^(?!.*the secret).*key must be/)
})

describe('openFaas', () => {
  test.each([
    [{ name: 'orders' }, '/a?b', '/function/orders/a?b'],
    [{ name: 'orders.dev' }, '/', '/function/orders.dev'],
    [{ name: 'orders', async: true }, '/a', '/async-function/orders/a'],
  ])('%j asks for %s at %s', async (given, url, path) => {
    const seen = await seenBehind(openFaas(given), { url, headers: { 'x-callback-url': 'http://169.254.169.254/' } })
    expect([seen.path, seen.headers['x-callback-url']]).toEqual([path, undefined])
  })

  test('has answers of later calls sent where it says', async () => {
    const layer = openFaas({ name: 'a', async: true, callbackUrl: 'https://hooks.example.com/done' })
    expect((await seenBehind(layer, '/')).headers['x-callback-url']).toBe('https://hooks.example.com/done')
  })
})

describe('cloudEvent', () => {
  const clock = virtualClock({ date: Date.UTC(2026, 0, 2, 3, 4, 5) })

  test('leaves the body as it is and tells of it in fields', async () => {
    const layer = cloudEvent({ source: '/orders', type: 'order.created', subject: () => 'Grüße "x"', clock })
    const seen = await seenBehind(layer, {
      method: 'PUT',
      url: '/',
      json: { a: 1 },
      headers: { 'CE-Type': 'forged', ce_extra: 'x' },
    })
    expect(seen.headers).toMatchObject({
      'ce-specversion': '1.0',
      'ce-source': '/orders',
      'ce-type': 'order.created',
      'ce-time': '2026-01-02T03:04:05.000Z',
      'ce-subject': 'Gr%C3%BC%C3%9Fe%20%22x%22',
      'ce-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'content-type': 'application/json',
    })
    expect(seen.headers).not.toHaveProperty('ce_extra')
    expect([seen.method, seen.body]).toEqual(['POST', '{"a":1}'])
  })

  test.each([
    ['application/json', '{"a":1}', { data: { a: 1 }, datacontenttype: 'application/json' }],
    ['application/json', '{"a":', { data_base64: Buffer.from('{"a":').toString('base64'), datacontenttype: 'application/json' }],
    ['text/plain', 'hi', { data_base64: 'aGk=', datacontenttype: 'text/plain' }],
  ])('puts %s %s into one JSON where it is structured', async (type, body, data) => {
    const layer = cloudEvent({ source: '/orders', type: () => 'order.created', mode: 'structured', clock })
    const seen = await seenBehind(layer, { method: 'POST', url: '/', body, headers: { 'content-type': type } })
    expect(seen.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8')
    expect(JSON.parse(seen.body)).toEqual({
      specversion: '1.0',
      id: expect.any(String),
      source: '/orders',
      type: 'order.created',
      time: '2026-01-02T03:04:05.000Z',
      ...data,
    })
    expect(seen.headers['content-length']).toBe(String(Buffer.byteLength(seen.body)))
  })

  test('answers 413 to a body that is too long to be structured', async () => {
    const layer = cloudEvent({ source: '/o', type: 't', mode: 'structured', maxBytes: 10 })
    const handler = chain()
      .use(layer)
      .to(() => json({}))
    expect((await call(handler, { method: 'POST', url: '/', body: 'x'.repeat(11) })).status).toBe(413)
  })
})
