import {
  byAll,
  byClientAddress,
  byCookie,
  byFirst,
  byHeader,
  byParam,
  byQuery,
  createBalancer,
  type HashKey,
} from '@gatelet/balancer'
import { type Context, isLease, text } from '@gatelet/core'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'

/** The key of a request. */
async function keyOf(key: HashKey, request: Parameters<typeof call>[1], state?: object): Promise<string | undefined> {
  let found: string | undefined
  await call((ctx: Context) => {
    found = key(state ? ctx.with(state) : ctx)
    return text('')
  }, request)
  return found
}

const withCookies = (...values: string[]) => ({ headers: values.map((value): [string, string] => ['Cookie', value]) })

test.each<[what: string, key: HashKey, headers: [string, string][], expected: string | undefined]>([
  ['a header', byHeader('X-Tenant'), [['x-tenant', 'a']], 'a'],
  [
    'a header that is sent twice',
    byHeader('x-tenant'),
    [
      ['x-tenant', 'a'],
      ['X-Tenant', 'b'],
    ],
    'a, b',
  ],
  ['no header', byHeader('x-tenant'), [], undefined],
  ['an empty header', byHeader('x-tenant'), [['x-tenant', '']], undefined],
])('takes %s for a key', async (_what, key, headers, expected) => {
  expect(await keyOf(key, { headers })).toBe(expected)
})

test.each<[cookies: string[], expected: string | undefined]>([
  [['sid=abc'], 'abc'],
  [['a=1; sid=abc; b=2'], 'abc'],
  [['a=1', 'sid=abc'], 'abc'],
  [['a=1;sid=abc'], 'abc'],
  [['sid=a=b=='], 'a=b=='],
  [['sid="x"'], '"x"'],
  [['sid=; sid=abc'], 'abc'],
  [['sid=abc; sid=def'], 'abc'],
  [['xsid=abc; SID=def'], undefined],
  [['sid'], undefined],
  [[], undefined],
])('finds the cookie in %j: %s', async (cookies, expected) => {
  expect(await keyOf(byCookie('sid'), withCookies(...cookies))).toBe(expected)
})

test.each<[url: string, expected: string | undefined]>([
  ['/x?tenant=a%20b', 'a b'],
  ['/x?q=1&tenant=a&tenant=b', 'a'],
  ['/x?tenant=', undefined],
  ['/x?mytenant=a', undefined],
  ['/tenant=a', undefined],
])('finds the query parameter in %s: %s', async (url, expected) => {
  expect(await keyOf(byQuery('tenant'), url)).toBe(expected)
})

test('takes what a router captured', async () => {
  expect(await keyOf(byParam('id'), '/', { params: Object.assign(Object.create(null), { id: '7' }) })).toBe('7')
  expect(await keyOf(byParam('other'), '/', { params: { id: '7' } })).toBeUndefined()
  expect(await keyOf(byParam('id'), '/')).toBeUndefined()
})

test('takes the address of the client, of IPv6 only the network', async () => {
  const keys = (address: string, key = byClientAddress()) => key({ request: { client: { address } } } as unknown as Context)
  expect(keys('10.1.2.3')).toBe('10.1.2.3')
  expect(keys('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
  expect(keys('2001:db8:1:2:3:4:5:6', byClientAddress({ ipv6Prefix: 128 }))).toBe('2001:db8:1:2:3:4:5:6')
})

test('takes the first of several that a request has', async () => {
  const key = byFirst(byCookie('sid'), byHeader('x-user'))
  expect(
    await keyOf(key, {
      headers: [
        ['cookie', 'sid=a'],
        ['x-user', 'b'],
      ],
    }),
  ).toBe('a')
  expect(await keyOf(key, { headers: [['x-user', 'b']] })).toBe('b')
  expect(await keyOf(key, '/')).toBeUndefined()
})

test('takes several together, so that different parts never make the same key', async () => {
  const key = byAll(byHeader('a'), byHeader('b'))
  const of = (a?: string, b?: string) =>
    keyOf(key, { headers: [...(a ? [['a', a] as [string, string]] : []), ...(b ? [['b', b] as [string, string]] : [])] })
  expect(await of()).toBeUndefined()
  const all = await Promise.all([of('x', 'yz'), of('xy', 'z'), of('xyz'), of(undefined, 'xyz'), of('-', '1:x'), of('x', '-')])
  expect(new Set(all).size).toBe(all.length)
  expect(await of('x', 'yz')).toBe(all[0])
})

test('sends requests with the same key to the same endpoint', async () => {
  const balancer = createBalancer({
    endpoints: ['http://a.test', 'http://b.test', 'http://c.test'],
    strategy: 'hash',
    hashKey: byHeader('x-user'),
  })
  const seen = new Map<string, Set<string>>()
  for (let request = 0; request < 60; request++) {
    const user = `u${request % 12}`
    await call(
      (context: Context) => {
        const answer = balancer.tryAcquire({ tried: [], context })
        if (isLease(answer)) seen.set(user, (seen.get(user) ?? new Set()).add(answer.endpoint.id))
        return text('')
      },
      { headers: [['x-user', user]] },
    )
  }
  expect([...seen.values()].map(({ size }) => size)).toEqual(new Array<number>(12).fill(1))
  expect(new Set([...seen.values()].flatMap((ids) => [...ids])).size).toBe(3)
})

test.each<[string, () => unknown, RegExp]>([
  ['a header without a name', () => byHeader(''), /^byHeader: name must be a name of letters.* such as x-tenant/],
  ['a header that none can be called', () => byHeader('x tenant'), /^byHeader: name must be a name of letters/],
  ['a cookie that none can be called', () => byCookie('a=b'), /^byCookie: name must be a name of letters.* such as session/],
  ['a query parameter that is a number', () => byQuery(1 as never), /^byQuery: name must be a string/],
  ['a parameter without a name', () => byParam(undefined as never), /^byParam: name must be a string/],
  [
    'bits beyond the address',
    () => byClientAddress({ ipv6Prefix: 129 }),
    /^byClientAddress: ipv6Prefix must be .* from 1 to 128/,
  ],
  ['a key that is a name', () => byFirst('x' as never), /^byFirst: keys\[0\] must be a hash key/],
  ['nothing', () => byAll(), /^byAll: keys must be a list of at least 1/],
])('refuses %s at the start', (_what, make, message) => expect(make).toThrow(message))
