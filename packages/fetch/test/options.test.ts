import { GatewayError } from '@gatelet/core'
import { type FetchOptions, fromFetch, toFetch } from '@gatelet/fetch'
import { expect, test } from 'vitest'

function refusalOf(work: () => unknown): GatewayError {
  try {
    work()
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('it was taken as it is')
}

test.each<[string, unknown, string, RegExp]>([
  ['client', '127.0.0.1', 'client', /a function of the request that returns an address/],
  ['trustedProxies', ['10.0.0.1', 'x'], 'trustedProxies[1]', /an IP address or a CIDR range/],
  ['trustedProxies', ['10.0.0.1'], 'trustedProxies', /how many proxies there are where client does not say who connects/],
  ['trustedProxies', { proxies: ['10.0.0.1'] }, 'trustedProxies', /how many proxies there are/],
  ['paths', { doubleSlash: 1 }, 'paths.doubleSlash', /true or false/],
  ['waitUntil', Promise.resolve(), 'waitUntil', /a function that takes a promise/],
  ['clock', Date, 'clock', /a clock/],
])('%s: %j stops the start', (option, value, path, right) => {
  const error = refusalOf(() => toFetch(() => undefined as never, { [option]: value }))
  expect(error).toMatchObject({ code: 'BAD_OPTION', path, message: expect.stringMatching(right) })
  expect(error.message).toMatch(/^toFetch: /)
})

test('an option that is not known stops the start', () => {
  const error = refusalOf(() => toFetch(() => undefined as never, { path: 1 } as FetchOptions))
  expect(error.message).toBe('toFetch: path is not an option; did you mean paths?')
})

test.each([undefined, {}, 'http://a.test'])('what is no function stops the start of fromFetch: %j', (fn) => {
  const error = refusalOf(() => fromFetch(fn as never))
  expect(error).toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(/a function that takes a Request/) })
})

test('nobody trusted, and a number of proxies, need no client', () => {
  for (const trustedProxies of [[], 0, 2, { proxies: 1, header: 'forwarded' }] as const) {
    expect(() => toFetch(() => undefined as never, { trustedProxies })).not.toThrow()
  }
})
