import { describe, expect, test } from 'vitest'
import { fronts } from '../attack/support/fronts.ts'
import { message } from '../attack/support/room.ts'
import { type Echo, echoing, type Reflection } from './support/echoing.ts'

// What one client sends must not become what others get, and what one client may see must not be shown to another.

const plain = message('GET /page', ['Host: shop.example'])

/** Fields that an application may build its page from, and no key has. */
const reflected = [
  ...[
    'X-Forwarded-Host',
    'X-Forwarded-Server',
    'X-Forwarded-Scheme',
    'X-Forwarded-Port',
    'X-Forwarded-Prefix',
    'X-Forwarded-Path',
  ],
  ...[
    'X-Host',
    'X-Original-Host',
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-HTTP-Host-Override',
    'X-HTTP-Method-Override',
    'X-HTTP-Method',
    'X-Method-Override',
  ],
  ...['x_forwarded_host', 'X-FORWARDED-HOST'],
]

test('these rows see it where a field is not taken away', async () => {
  await using at = await echoing({ cache: { unkeyed: [] } })
  await at.ask(message('GET /page', ['Host: shop.example', 'X-Original-URL: evil']))
  expect((await at.ask(plain))?.text).toContain('evil')
})

describe.each(fronts)('behind $name', (front) => {
  test.each([
    ...reflected.map((name) => [name, 'evil.example']),
    ['Forwarded', 'host=evil.example'],
    ['X-Forwarded-Proto', 'evil.example'],
    ['X-Forwarded-For', 'evil.example'],
  ])('what a client says in %s is not in what others get', async (name, value) => {
    await using at = await echoing({ front })
    await at.ask(message('GET /page', ['Host: shop.example', `${name}: ${value}`]))
    const others = await at.ask(plain)
    expect(others?.status).toBe(200)
    expect(others?.text).not.toContain('evil')
  })

  test('another host is another page', async () => {
    await using at = await echoing({ front })
    await at.ask(message('GET /page', ['Host: evil.example']))
    expect((await at.ask(plain))?.text).not.toContain('evil')
  })

  test('a cookie, a credential or a body of one client is not in what others get', async () => {
    for (const fields of [['Cookie: id=evil'], ['Authorization: Basic evil'], ['Content-Length: 4']]) {
      await using at = await echoing({ front })
      const body = fields[0]?.startsWith('Content-Length') ? 'evil' : ''
      await at.ask(message('GET /page', ['Host: shop.example', ...fields], body))
      expect((await at.ask(plain))?.text, String(fields)).not.toContain('evil')
    }
  })

  test('a chunked body of one client is not in what others get', async () => {
    await using at = await echoing({ front })
    await at.ask(message('GET /page', ['Host: shop.example', 'Transfer-Encoding: chunked'], '4\r\nevil\r\n0\r\n\r\n'))
    expect((await at.ask(plain))?.text).not.toContain('evil')
  })

  test('HEAD and parts do not take the place of the whole', async () => {
    await using at = await echoing({
      front,
      reflect: ({ headers }) =>
        headers['range']
          ? { status: 206, headers: { 'cache-control': 'max-age=600', 'content-range': 'bytes 0-0/5' }, body: 'w' }
          : { body: 'whole' },
    })
    await at.ask(message('HEAD /page', ['Host: shop.example']))
    await at.ask(message('GET /page', ['Host: shop.example', 'Range: bytes=0-0']))
    const others = await at.ask(plain)
    expect([others?.status, others?.text]).toEqual([200, 'whole'])
  })

  // What one client can do so that its request is an error, at an upstream that says of its errors that they may be stored.
  const spoiling: readonly (readonly [what: string, fields: readonly string[], status: number])[] = [
    ['a large header', [`X-Large: ${'x'.repeat(9_000)}`], 431],
    ['many fields', Array.from({ length: 60 }, (_, n) => `X-${n}: y`), 400],
    ['a condition that fails', ['If-Match: "none"'], 412],
    ['an expectation', ['X-Expect: none'], 417],
    ['a type that there is none of', ['Accept: none/none'], 406],
    ['a range beyond the end', ['Range: bytes=99999-'], 416],
    ['a credential that is wrong', ['Authorization: Basic eDp5'], 401],
    ['a cookie that is blocked', ['Cookie: block=1'], 403],
    ['too many requests', ['X-Many: 1'], 429],
    ['a bad request', ['X-Bad: 1'], 400],
  ]
  test.each(spoiling)('%s spoils the page for nobody else', async (_what, fields, status) => {
    const marker = fields[0]?.split(':')[0]?.toLowerCase() ?? ''
    const reflect: Reflection = ({ headers }) =>
      marker in headers && headers[marker] !== '*/*'
        ? { status, headers: { 'cache-control': 'max-age=600' }, body: 'spoilt' }
        : { body: 'well' }
    await using at = await echoing({ front, reflect })
    await at.ask(message('GET /page', ['Host: shop.example', ...fields]))
    const others = await at.ask(plain)
    expect([others?.status, others?.text]).toEqual([200, 'well'])
  })

  test.each(['TRACE', 'FOO', 'POST', 'DELETE'])('the answer to %s is not what others get', async (method) => {
    await using at = await echoing({ front })
    await at.ask(message(`${method} /page`, ['Host: shop.example', 'Content-Length: 0']))
    expect((JSON.parse((await at.ask(plain))?.text ?? '{}') as Echo).method).toBe('GET')
  })

  test.each([
    '/account/x.css',
    '/account/x.js',
    '/account;x.css',
    '/account%3bx.css',
    '/account%2fx.css',
    '/account/%2e%2e/x.css',
    '/account//x.css',
    '/account/.css',
    '/account?x.css',
  ])('a page of one is shown to no other, however it is asked for: %s', async (target) => {
    // As frameworks do: the page of who is logged in, without a word on caches.
    await using at = await echoing({
      front,
      reflect: ({ headers }) => ({ headers: {}, body: `page of ${headers['cookie'] ?? 'nobody'}` }),
    })
    await at.ask(message(`GET ${target}`, ['Host: shop.example', 'Cookie: id=victim']))
    for (const fields of [[], ['Cookie: id=other']]) {
      const others = await at.ask(message(`GET ${target}`, ['Host: shop.example', ...fields]))
      expect(others?.text).not.toContain('victim')
    }
  })

  test('the ways to write Accept-Encoding do not fill the store with variants, nor reach the upstream each', async () => {
    await using at = await echoing({
      front,
      reflect: () => ({ headers: { 'cache-control': 'max-age=600', vary: 'accept-encoding' }, body: 'x' }),
    })
    for (let n = 0; n < 100; n++)
      await at.ask(message('GET /page', ['Host: shop.example', `Accept-Encoding: gzip, x${n};q=0.${n}`]))
    expect(at.hits).toBe(1)
  })

  test.each(['max-stale=99999', 'no-cache', 'max-age=0', 'min-fresh=99999'])(
    'Cache-Control: %s of anybody does not reach the upstream',
    async (value) => {
      await using at = await echoing({ front })
      await at.ask(plain)
      await at.ask(message('GET /page', ['Host: shop.example', `Cache-Control: ${value}`]))
      expect(at.hits).toBe(1)
    },
  )
})
