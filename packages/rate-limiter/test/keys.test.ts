import { byApiKey, byClientAddress, byHeader, type RateKey, type RateLimitOptions, rateLimit } from '@gatelet/rate-limiter'
import { exchange, type RequestLike, virtualClock } from '@gatelet/testing'
import { expect, test, vi } from 'vitest'
import { asker, FarStore, ok, statuses } from './fakes.ts'

const keyOf = (by: RateKey, request: RequestLike) => by(exchange(request).ctx)

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::/64'],
  ['2001:db8:0:0:ffff:ffff:ffff:ffff', '2001:db8::/64'],
  ['2001:db8:0:1::', '2001:db8:0:1::/64'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['::192.0.2.1', '::/64'],
  ['unix', 'unix'],
])('byClientAddress counts %s as %s', (client, key) => {
  expect(keyOf(byClientAddress(), { client })).toBe(key)
})

test('byClientAddress counts as much of an address as it is told', () => {
  expect(keyOf(byClientAddress({ ipv6Prefix: 56 }), { client: '2001:db8:0:1ff::1' })).toBe('2001:db8:0:100::/56')
  expect(keyOf(byClientAddress({ ipv6Prefix: 128 }), { client: '2001:db8::1' })).toBe('2001:db8::1')
})

test('byHeader counts by the value, in any spelling of the name', () => {
  expect(keyOf(byHeader('X-Tenant'), { headers: { 'x-tenant': 'a' } })).toBe('a')
  expect(keyOf(byHeader('X-Tenant'), {})).toBeUndefined()
  expect(() => byHeader('x tenant')).toThrow(/name must be a name of letters/)
})

test('byApiKey tells a store a digest, not the key', () => {
  const [one, same, other] = ['k-1', 'k-1', 'k-2'].map((key) => keyOf(byApiKey(), { headers: { 'x-api-key': key } }))
  expect(one).toBe(same)
  expect(one).not.toBe(other)
  expect(one).toMatch(/^[\w-]{43}$/)
  expect(keyOf(byApiKey(), {})).toBeUndefined()
})

test('gives stores keys of at most 256 characters, whatever clients send', async () => {
  const clock = virtualClock()
  const store = new FarStore(clock)
  const layer = rateLimit({ limit: 9, per: '1h', key: byHeader('x-tenant'), store, clock })
  for (const tenant of ['a'.repeat(256), 'a'.repeat(257), `${'a'.repeat(257)}b`]) {
    await exchange({ headers: { 'x-tenant': tenant } }, { clock }).ask(layer, ok)
  }
  const keys = store.taken.flat().map(({ key }) => key)
  expect(keys.map(({ length }) => length)).toEqual([256, 44, 44])
  expect(new Set(keys).size).toBe(3)
})

test.each<[string, Pick<RateLimitOptions, 'ban' | 'plan'>]>([
  ['by two policies', {}],
  ['by policies and a ban', { ban: { after: 1, within: '1m', for: '1h' } }],
  ['by a plan', { plan: () => ({ limit: 1, per: '1h' }) }],
  ['by a plan and a ban', { plan: async () => undefined, ban: { after: 1, within: '1m', for: '1h' } }],
])('asks for the key of a request once, whoever wants to know it: %s', async (_, more) => {
  const clock = virtualClock()
  const key = vi.fn(() => 'ada')
  const policies = [
    { limit: 1, per: '1h' },
    { limit: 9, per: '1d' },
  ] as const
  const layer = rateLimit({ policies, key, ...more, clock })
  expect(await statuses(asker(layer, clock), 3)).toEqual([200, 429, 429])
  expect(key).toHaveBeenCalledTimes(3)
})
