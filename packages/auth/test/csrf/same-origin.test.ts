import { type SameOriginOptions, sameOrigin } from '@gatelet/auth'
import { chain, HeaderList, type IncomingRequest } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextOf, hello, replyOf } from '../fakes.ts'

const cookie = 'session=x'

async function statusOf(
  headers: Record<string, string>,
  options: SameOriginOptions = {},
  change: Partial<IncomingRequest> = { method: 'POST' },
): Promise<number> {
  const handler = chain().use(sameOrigin(options)).to(hello)
  return (await replyOf(handler, contextOf(headers, change))).status
}

describe('a request that changes something', () => {
  test.each<[string, Record<string, string>]>([
    ['of our own page', { origin: 'https://api.example.com' }],
    ['of our own page, as browsers of today say', { 'sec-fetch-site': 'same-origin', origin: 'https://api.example.com' }],
    [
      'of our own page, behind a proxy that has changed the host',
      { 'sec-fetch-site': 'same-origin', origin: 'https://public.example' },
    ],
    ['of the user', { 'sec-fetch-site': 'none' }],
    ['of our own page, by the page’s address alone', { referer: 'https://api.example.com/a?b#c' }],
    ['of a page that is allowed', { origin: 'https://app.example.com', 'sec-fetch-site': 'same-site' }],
    ['of a page that is allowed, by its address alone', { referer: 'https://app.example.com/a', 'sec-fetch-site': 'cross-site' }],
  ])('%s passes', async (_, headers) => {
    for (const change of [{ method: 'POST' }, { method: 'DELETE' }, { kind: 'upgrade' }] as const)
      expect(await statusOf({ cookie, ...headers }, { allow: ['https://app.example.com'] }, change)).toBe(200)
  })

  test.each<[string, Record<string, string>]>([
    ['of another site', { origin: 'https://evil.example' }],
    ['of another site, as browsers of today say', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['of another host of ours', { 'sec-fetch-site': 'same-site', origin: 'https://www.example.com' }],
    ['of another host, which says no more', { 'sec-fetch-site': 'same-site' }],
    ['of a page on plain http', { origin: 'http://api.example.com' }],
    ['of a page on another port', { origin: 'https://api.example.com:8443' }],
    ['of a page that hides', { origin: 'null' }],
    ['of a page that hides, with an address', { origin: 'null', referer: 'https://api.example.com/' }],
    ['of a page whose name begins so', { origin: 'https://api.example.com.evil.example' }],
    ['of an address with our name in it', { referer: 'https://evil.example/https://api.example.com/' }],
    ['of an address with our name as a user', { referer: 'https://api.example.com@evil.example/' }],
    ['of an origin that is none', { origin: 'https://api.example.com/' }],
    ['of an origin that is empty', { origin: '' }],
    ['of an address that is none', { referer: 'about:blank' }],
    ['of an extension', { origin: 'chrome-extension://abcdef' }],
    ['that says something unheard of', { 'sec-fetch-site': 'same-origin, cross-site' }],
    ['that does not say', {}],
  ])('%s is refused', async (_, headers) => {
    for (const change of [{ method: 'POST' }, { method: 'PATCH' }, { method: 'QUERY' }, { kind: 'upgrade' }] as const)
      expect(await statusOf({ cookie, ...headers }, { allow: ['https://app.example.com'] }, change)).toBe(403)
  })

  test('with two origins is refused', async () => {
    const headers = new HeaderList([
      ['cookie', cookie],
      ['origin', 'https://api.example.com'],
      ['origin', 'https://evil.example'],
    ])
    expect(await statusOf({}, {}, { method: 'POST', headers })).toBe(403)
  })

  test('is ours by the host that the client called, whatever layers have made of it', async () => {
    const handler = chain()
      .use((ctx, next) => next(ctx.withRequest({ url: { host: 'inner', port: 8080, scheme: 'http' } })))
      .use(sameOrigin())
      .to(hello)
    const ask = (origin: string) => replyOf(handler, contextOf({ cookie, origin }, { method: 'POST' }))
    expect((await ask('https://api.example.com')).status).toBe(200)
    expect((await ask('http://inner:8080')).status).toBe(403)
  })

  test('is ours by the name that we are given', async () => {
    const options = { origin: 'https://public.example' }
    expect(await statusOf({ cookie, origin: 'https://public.example' }, options)).toBe(200)
    expect(await statusOf({ cookie, origin: 'https://api.example.com' }, options)).toBe(403)
  })

  test('on a port of its own is ours by that port', async () => {
    const url = { scheme: 'http', host: '[::1]', port: 3000, path: '/', search: '' } as const
    expect(await statusOf({ cookie, origin: 'http://[::1]:3000' }, {}, { method: 'POST', url })).toBe(200)
    expect(await statusOf({ cookie, origin: 'http://[::1]:3001' }, {}, { method: 'POST', url })).toBe(403)
  })
})

describe('a request that does not say where it is from', () => {
  test.each([{}, { authorization: 'Bearer x' }, { authorization: 'dpop x' }, { 'x-api-key': 'x' }])(
    'passes with %j, which browsers do not send by themselves',
    async (headers) => {
      expect(await statusOf(headers)).toBe(200)
    },
  )

  test.each([{ cookie: 'a=b' }, { authorization: 'Basic x' }, { authorization: 'Negotiate x' }])(
    'is refused with %j, unless programs may do without',
    async (headers) => {
      expect(await statusOf(headers)).toBe(403)
      expect(await statusOf(headers, { missing: 'pass' })).toBe(200)
    },
  )
})

test.each(['GET', 'HEAD', 'OPTIONS'])('%s passes, wherever it is from', async (method) => {
  expect(await statusOf({ cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, {}, { method })).toBe(200)
})

test('says that it is the page', async () => {
  const reply = await replyOf(chain().use(sameOrigin()).to(hello), contextOf({ cookie }, { method: 'POST' }))
  expect(JSON.parse(reply.body as string)).toMatchObject({ status: 403, code: 'ORIGIN_DENIED' })
})

test('never throws, and lets no other origin through', async () => {
  const text = fc.string().map((noise) => noise.replace(/[^\x20-\x7e]/g, ''))
  const field = fc.oneof(
    text,
    fc.webUrl(),
    fc.webUrl().map((url) => new URL(url).origin),
  )
  await fc.assert(
    fc.asyncProperty(field, field, async (origin, referer) => {
      const isOurs = origin === 'https://api.example.com'
      return ((await statusOf({ cookie, origin, referer })) === 403) === !isOurs
    }),
    { seed: 6_454, numRuns: 300 },
  )
})

test.each(['https://app.example.com/', 'app.example.com', 'https://APP.example.com', 'https://app.example.com:443', 'null', '*'])(
  'refuses %j as an origin, when the program starts',
  (origin) => {
    expect(() => sameOrigin({ allow: [origin] })).toThrow(/allow\[0\] must be an origin as browsers write it/)
  },
)
