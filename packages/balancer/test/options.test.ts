import { type BalancerOptions, createBalancer, type DrainOptions, type EndpointInit } from '@gatelet/balancer'
import { type Balancer, GatewayError, type Lease, type Refusal, text } from '@gatelet/core'
import { expect, expectTypeOf, test } from 'vitest'
import { leaseOf } from './fakes.ts'

const url = 'http://127.0.0.1:4001'
const handler = () => text('x')
const withOptions = (options: unknown) => () => createBalancer({ endpoints: [url], ...(options as object) } as BalancerOptions)
const withEndpoint = (...endpoints: unknown[]) => withOptions({ endpoints })

const aUrl = /must be an http or https URL such as http:\/\/10\.0\.0\.1:8080/
const aWeight = /must be a number from 0 to 1000000/
const aString = /must be a string that is not empty/

test.each<[what: string, make: () => unknown, path: string, message: RegExp]>([
  ['no endpoints', () => createBalancer({} as BalancerOptions), 'endpoints', /must be a list/],
  ['endpoints that are no list', withOptions({ endpoints: url }), 'endpoints', /must be a list/],
  [
    'an endpoint that is nothing',
    withEndpoint(null),
    'endpoints[0]',
    /must be a URL, \{ url, … \}, \{ handler, id, … \} or \{ value, id, … \}/,
  ],
  ['text that is no URL', withEndpoint(url, '127.0.0.1:80'), 'endpoints[1]', aUrl],
  ['a host with a port', withEndpoint('localhost:80'), 'endpoints[0]', aUrl],
  ['another scheme', withEndpoint('ftp://a'), 'endpoints[0]', aUrl],
  ['a URL with credentials', withEndpoint('http://u:p@a'), 'endpoints[0]', /without user name and password/],
  ['a URL with a query', withEndpoint({ url: 'http://a/?x=1' }), 'endpoints[0].url', /without query and fragment/],
  ['an endpoint without a URL', withEndpoint({ id: 'a' }), 'endpoints[0].url', aUrl],
  ['an empty id', withEndpoint({ url, id: '' }), 'endpoints[0].id', aString],
  ['a weight below 0', withEndpoint({ url, weight: -1 }), 'endpoints[0].weight', aWeight],
  ['a weight beyond a million', withEndpoint({ url, weight: 1e6 + 1 }), 'endpoints[0].weight', aWeight],
  ['a weight that is not a number', withEndpoint({ url, weight: Number.NaN }), 'endpoints[0].weight', aWeight],
  ['an infinite weight', withEndpoint({ url, weight: Number.POSITIVE_INFINITY }), 'endpoints[0].weight', aWeight],
  ['a weight in quotes', withEndpoint({ url, weight: '1' }), 'endpoints[0].weight', aWeight],
  ['metadata that is a list', withEndpoint({ url, metadata: [] }), 'endpoints[0].metadata', /must be an object/],
  ['an empty socket path', withEndpoint({ url, socketPath: '' }), 'endpoints[0].socketPath', aString],
  ['a misspelt field', withEndpoint({ url, wieght: 1 }), 'endpoints[0].wieght', /did you mean weight\?/],
  ['a handler that is none', withEndpoint({ handler: 'x', id: 'a' }), 'endpoints[0].handler', /must be a handler/],
  ['a handler without an id', withEndpoint({ handler }), 'endpoints[0].id', aString],
  ['a handler with a bad weight', withEndpoint({ handler, id: 'a', weight: -1 }), 'endpoints[0].weight', aWeight],
  ['a handler with bad metadata', withEndpoint({ handler, id: 'a', metadata: 1 }), 'endpoints[0].metadata', /must be an object/],
  ['the same URL twice', withEndpoint(url, 'http://b', `${url}/`), 'endpoints[2]', /an id other than that of endpoints\[0\]/],
  [
    'the same id twice',
    withEndpoint({ url, id: 'a' }, { handler, id: 'a' }),
    'endpoints[1]',
    /other than that of endpoints\[0\]/,
  ],
  ['an unknown strategy', withOptions({ strategy: 'fastest' }), 'strategy', /must be 'two-choices'.* or a strategy factory/],
  ['a strategy that is no factory', withOptions({ strategy: {} }), 'strategy', /or a strategy factory/],
  ['ejection that is switched "on"', withOptions({ ejection: true }), 'ejection', /must be an object, or false/],
  [
    'no failures at all',
    withOptions({ ejection: { consecutiveFailures: 0 } }),
    'ejection.consecutiveFailures',
    /whole number from 1/,
  ],
  ['half a failure', withOptions({ ejection: { consecutiveFailures: 1.5 } }), 'ejection.consecutiveFailures', /whole number/],
  ['no base time', withOptions({ ejection: { baseMs: 0 } }), 'ejection.baseMs', /milliseconds from 1/],
  ['a most that is no number', withOptions({ ejection: { maxMs: '5m' } }), 'ejection.maxMs', /milliseconds from 1/],
  [
    'a most below the base',
    withOptions({ ejection: { baseMs: 500, maxMs: 499 } }),
    'ejection.maxMs',
    /at least baseMs, which is 500/,
  ],
  [
    'a most below the default base',
    withOptions({ ejection: { maxMs: 1_000 } }),
    'ejection.maxMs',
    /at least baseMs, which is 30000/,
  ],
  ['a share in percent', withOptions({ ejection: { maxShare: 50 } }), 'ejection.maxShare', /a number from 0 to 1/],
  ['a misspelt rule', withOptions({ ejection: { maxshare: 1 } }), 'ejection.maxshare', /did you mean maxShare\?/],
  ['a hash key that is a name', withOptions({ hashKey: 'x-user' }), 'hashKey', /must be a function of the context/],
  ['a negative wait', withOptions({ drainMs: -1 }), 'drainMs', /milliseconds from 0/],
  ['an endless wait', withOptions({ drainMs: Number.POSITIVE_INFINITY }), 'drainMs', /milliseconds from 0/],
  ['an empty name', withOptions({ name: '' }), 'name', aString],
  [
    'a clock that is none',
    withOptions({ clock: { now: () => 0 } }),
    'clock',
    /must be a clock, with now, date, random and setTimer/,
  ],
  ['no clock', withOptions({ clock: null }), 'clock', /must be a clock/],
  ['a misspelt option', withOptions({ stratgy: 'random' }), 'stratgy', /did you mean strategy\?/],
])('refuses %s at the start', (_what, make, path, message) => {
  let error: unknown
  try {
    make()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(GatewayError)
  expect(error).toMatchObject({ code: 'BAD_OPTION', path })
  expect((error as GatewayError).message).toMatch(/^createBalancer: /)
  expect((error as GatewayError).message).toMatch(message)
})

const running = () => createBalancer({ endpoints: [{ url, id: 'a' }] })

test.each<[what: string, act: () => unknown, path: string, message: RegExp]>([
  ['an added endpoint', () => running().add({ url, weight: -1 }), 'endpoint.weight', /^add: .*0 to 1000000/],
  ['an added id that is taken', () => running().add({ url, id: 'a' }), 'id', /there is an endpoint with the id "a" already/],
  ['a list', () => running().replace('x' as unknown as EndpointInit[]), 'endpoints', /^replace: .*a list/],
  ['a weight', () => running().setWeight('a', Number.NaN), 'weight', /^setWeight: .*0 to 1000000/],
  ['a deadline of remove', () => running().remove('a', { deadlineMs: -1 }), 'deadlineMs', /^remove: .*milliseconds from 0/],
  ['a deadline of drain', () => running().drain('a', { deadlineMs: '1s' } as never), 'deadlineMs', /^drain: .*milliseconds/],
  ['an option of replace', () => running().replace([], { ms: 1 } as DrainOptions), 'ms', /^replace: .*known are deadlineMs/],
])('refuses %s while it runs', async (_what, act, path, message) => {
  const error = await (async () => act())().catch((error: unknown) => error)
  expect(error).toBeInstanceOf(GatewayError)
  expect(error).toMatchObject({ code: 'BAD_OPTION', path, message: expect.stringMatching(message) })
})

test.each([
  ['http://127.0.0.1:4001', 'http://127.0.0.1:4001'],
  ['http://127.0.0.1:4001/', 'http://127.0.0.1:4001'],
  ['HTTP://LocalHost:80/', 'http://localhost'],
  ['https://a.test/v1', 'https://a.test/v1'],
  ['https://a.test/v1/', 'https://a.test/v1/'],
  ['http://a.test/x/../v1', 'http://a.test/v1'],
  ['http://[::1]:4001', 'http://[::1]:4001'],
])('calls %s by its canonical origin and path: %s', (given, id) => {
  for (const endpoint of [given, new URL(given), { url: given }, { url: new URL(given) }]) {
    expect(createBalancer({ endpoints: [endpoint] }).endpoints[0]?.id).toBe(id)
  }
})

test('does not follow a URL or metadata that somebody changes later', () => {
  const [url, metadata] = [new URL('http://a.test'), { zone: 'x' }]
  const balancer = createBalancer({ endpoints: [{ url, metadata }] })
  url.host = 'b.test'
  metadata.zone = 'y'
  expect(leaseOf(balancer).target).toEqual({ origin: new URL('http://a.test') })
  expect(balancer.endpoints[0]?.metadata).toEqual({ zone: 'x' })
})

test('takes each strategy by name, and a base time longer than the default most', () => {
  for (const strategy of ['two-choices', 'least-requests', 'round-robin', 'random'] as const) {
    expect(leaseOf(createBalancer({ endpoints: [url], strategy })).endpoint.id).toBe(url)
  }
  expect(() => createBalancer({ endpoints: [url], ejection: { baseMs: 600_000 } })).not.toThrow()
})

test('is checked by the compiler as well', () => {
  const ill = () => {
    // @ts-expect-error no strategy has this name
    createBalancer({ endpoints: [], strategy: 'fastest' })
    // @ts-expect-error a function needs an id
    createBalancer({ endpoints: [{ handler }] })
    // @ts-expect-error endpoints are seen, not changed
    createBalancer({ endpoints: [url] }).endpoints[0].weight = 1
  }
  expect(ill).toThrow(GatewayError)
  expectTypeOf(createBalancer).returns.toExtend<Balancer>()
  expectTypeOf(createBalancer({ endpoints: [] }).tryAcquire({ tried: [] })).toEqualTypeOf<Lease | Refusal>()
})
