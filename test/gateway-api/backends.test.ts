import { type Clock, systemClock } from '@gatelet/core'
import { seededRandom } from '@gatelet/testing'
import { afterEach, describe, expect, test } from 'vitest'
import type { BackendRef, HttpRoute, HttpRouteRule } from './http-route.ts'
import { play } from './rows.ts'
import { type Scene, scene } from './scene.ts'

// HTTPRouteRule.backendRefs and timeouts, HTTPCORSFilter.

const to = (value: string, more: Partial<HttpRouteRule>): HttpRouteRule => ({
  matches: [{ path: { type: 'PathPrefix', value } }],
  backendRefs: [{ name: 'v1' }],
  ...more,
})
const route = (...rules: HttpRouteRule[]): HttpRoute[] => [{ rules }]
const cors = (value: string, filter: object, more: Partial<HttpRouteRule> = {}) =>
  to(value, { filters: [{ type: 'CORS', cors: { allowOrigins: ['https://www.foo.com'], ...filter } }], ...more })

const nothing = {
  'access-control-allow-origin': undefined,
  'access-control-allow-methods': undefined,
  'access-control-allow-headers': undefined,
  'access-control-allow-credentials': undefined,
}
const preflight = (path: string, origin: string, method = 'PUT', headers = '') =>
  `OPTIONS ${path} | Origin: ${origin} | Access-Control-Request-Method: ${method}${headers && ` | Access-Control-Request-Headers: ${headers}`}`

play([
  {
    spec: 'HTTPRouteRule.backendRefs',
    rule: 'a reference that leads nowhere is 500, and so is a rule without any',
    routes: route(
      to('/fine', {}),
      to('/invalid', { backendRefs: [{ name: 'nobody' }] }),
      to('/all-invalid', { backendRefs: [{ name: 'nobody' }, { name: 'no-one', weight: 3 }] }),
      to('/none', { backendRefs: [] }),
      to('/zero', { backendRefs: [{ name: 'v1', weight: 0 }] }),
      to('/invalid-without-weight', { backendRefs: [{ name: 'nobody', weight: 0 }, { name: 'v2' }] }),
      to('/down', { backendRefs: [{ name: 'down' }] }),
    ),
    asks: {
      'GET /fine': 'v1',
      'GET /invalid': 500,
      'GET /all-invalid/x': 500,
      'GET /none': 500,
      'GET /zero': 500,
      'GET /invalid-without-weight': 'v2',
      'GET /down': 503,
      'GET /': 404,
    },
  },
  {
    spec: 'HTTPRouteTimeouts.request',
    rule: 'the whole exchange has so long, and 0s is no bound',
    routes: route(
      to('/short', { timeouts: { request: '50ms' } }),
      to('/long', { timeouts: { request: '1m' } }),
      to('/disabled', { timeouts: { request: '0s' } }),
      to('/both', { timeouts: { request: '30s', backendRequest: '50ms' } }),
      to('/backend', { timeouts: { backendRequest: '50ms' } }),
      to('/backend-disabled', { timeouts: { request: '1h0m0s', backendRequest: '0s' } }),
    ),
    asks: {
      'GET /short?delayMs=5000': 504,
      'GET /long?delayMs=100': 'v1',
      'GET /disabled?delayMs=100': 'v1',
      'GET /both?delayMs=5000': 504,
      'GET /backend?delayMs=5000': 504,
      'GET /backend-disabled?delayMs=100': 'v1',
      'POST /short?delayMs=5000': 504,
    },
  },
  {
    spec: 'HTTPCORSFilter.allowOrigins',
    rule: 'origins are compared whole; a star stands for whole labels, or for every origin',
    routes: route(
      cors('/exact', { allowOrigins: ['https://www.foo.com', 'http://*.bar.com'] }),
      cors('/any', { allowOrigins: ['*'] }),
      cors('/port', { allowOrigins: ['https://www.foo.com:8443'] }),
    ),
    asks: {
      'GET /exact | Origin: https://www.foo.com': {
        backend: 'v1',
        gets: { 'access-control-allow-origin': 'https://www.foo.com' },
      },
      'GET /exact | Origin: http://www.bar.com': { backend: 'v1', gets: { 'access-control-allow-origin': 'http://www.bar.com' } },
      'GET /exact | Origin: http://a.b.bar.com': { backend: 'v1', gets: { 'access-control-allow-origin': 'http://a.b.bar.com' } },
      'GET /exact | Origin: https://www.bar.com': { backend: 'v1', gets: nothing },
      'GET /exact | Origin: http://bar.com': { backend: 'v1', gets: nothing },
      'GET /exact | Origin: http://www.foo.com': { backend: 'v1', gets: nothing },
      'GET /exact | Origin: https://www.foo.com:8443': { backend: 'v1', gets: nothing },
      'GET /exact | Origin: https://www.foo.com.evil.test': { backend: 'v1', gets: nothing },
      'GET /exact | Origin: null': { backend: 'v1', gets: nothing },
      'GET /exact': { backend: 'v1', gets: { ...nothing, vary: 'Origin' } },
      'GET /any | Origin: https://who.test': { backend: 'v1', gets: { 'access-control-allow-origin': '*' } },
      'GET /port | Origin: https://www.foo.com:8443': {
        backend: 'v1',
        gets: { 'access-control-allow-origin': 'https://www.foo.com:8443' },
      },
      'GET /port | Origin: https://www.foo.com': { backend: 'v1', gets: nothing },
    },
  },
  {
    spec: 'HTTPCORSFilter.allowMethods, allowHeaders, maxAge',
    rule: 'a preflight is answered by the gateway, with what is allowed',
    routes: route(
      cors('/listed', { allowMethods: ['GET', 'PUT'], allowHeaders: ['x-header-1', 'x-header-2'], maxAge: 3600 }),
      cors('/default', {}),
      cors('/stars', { allowMethods: ['*'], allowHeaders: ['*'], allowCredentials: true }),
    ),
    asks: {
      [preflight('/listed', 'https://www.foo.com', 'PUT', 'x-header-1, x-header-2')]: {
        status: 204,
        gets: {
          'access-control-allow-origin': 'https://www.foo.com',
          'access-control-allow-methods': 'GET, PUT',
          'access-control-allow-headers': 'x-header-1, x-header-2',
          'access-control-max-age': '3600',
          'access-control-allow-credentials': undefined,
        },
      },
      [preflight('/listed', 'https://other.foo.com')]: { status: 204, gets: nothing },
      [preflight('/default', 'https://www.foo.com', 'GET')]: {
        status: 204,
        gets: {
          'access-control-allow-origin': 'https://www.foo.com',
          'access-control-max-age': '5',
          'access-control-allow-methods': undefined,
        },
      },
      [preflight('/stars', 'https://www.foo.com', 'DELETE', 'x-any, authorization')]: {
        status: 204,
        gets: {
          'access-control-allow-methods': 'DELETE',
          'access-control-allow-headers': 'x-any, authorization',
          'access-control-allow-credentials': 'true',
        },
      },
      'OPTIONS /listed | Origin: https://www.foo.com': {
        backend: 'v1',
        gets: { 'access-control-allow-origin': 'https://www.foo.com', 'access-control-allow-methods': undefined },
      },
    },
  },
  {
    spec: 'HTTPCORSFilter.exposeHeaders, allowCredentials',
    rule: 'they are told with the reply, and the backend has no say',
    routes: route(
      cors('/exposed', { exposeHeaders: ['x-header-3', 'x-header-4'], allowCredentials: true }),
      cors('/plain', {}),
      cors('/failing', {}, { backendRefs: [] }),
    ),
    asks: {
      'GET /exposed | Origin: https://www.foo.com': {
        backend: 'v1',
        gets: { 'access-control-expose-headers': 'x-header-3, x-header-4', 'access-control-allow-credentials': 'true' },
      },
      'POST /exposed | Origin: https://other.test': {
        backend: 'v1',
        gets: { ...nothing, 'access-control-expose-headers': undefined },
      },
      'GET /plain | Origin: https://www.foo.com | X-Answer: Access-Control-Allow-Origin=*,Access-Control-Allow-Credentials=true':
        {
          backend: 'v1',
          gets: { 'access-control-allow-origin': 'https://www.foo.com', 'access-control-allow-credentials': undefined },
        },
      'GET /failing | Origin: https://www.foo.com': {
        status: 500,
        gets: { 'access-control-allow-origin': 'https://www.foo.com' },
      },
    },
  },
])

// HTTPBackendRef.weight. What chance says is given, so that shares are counted and not estimated.
describe('BackendRef.weight', () => {
  let gateway: Scene | undefined
  afterEach(() => gateway?.[Symbol.asyncDispose]())

  const rows: readonly {
    readonly rule: string
    readonly refs: readonly BackendRef[]
    readonly shares: Record<string, number>
  }[] = [
    {
      rule: 'is the share of the sum',
      refs: [
        { name: 'v1', weight: 70 },
        { name: 'v2', weight: 30 },
      ],
      shares: { v1: 70, v2: 30 },
    },
    {
      rule: 'is 1 where it is left out',
      refs: [{ name: 'v1' }, { name: 'v2' }, { name: 'v3', weight: 2 }],
      shares: { v1: 25, v2: 25, v3: 50 },
    },
    {
      rule: 'of 0 gets nothing',
      refs: [
        { name: 'v1', weight: 70 },
        { name: 'v2', weight: 30 },
        { name: 'v3', weight: 0 },
      ],
      shares: { v1: 70, v2: 30 },
    },
    {
      rule: 'need not add up to 100',
      refs: [
        { name: 'v1', weight: 1 },
        { name: 'v2', weight: 4 },
      ],
      shares: { v1: 20, v2: 80 },
    },
    { rule: 'of a single backend does not matter', refs: [{ name: 'v3', weight: 7 }], shares: { v3: 100 } },
    {
      rule: 'of an invalid backend is answered 500',
      refs: [
        { name: 'v1', weight: 75 },
        { name: 'nobody', weight: 25 },
      ],
      shares: { v1: 75, 500: 25 },
    },
    {
      rule: 'counts for the same backend twice',
      refs: [
        { name: 'v1', weight: 10 },
        { name: 'v2', weight: 80 },
        { name: 'v1', weight: 10 },
      ],
      shares: { v1: 20, v2: 80 },
    },
    {
      rule: 'of all 0 is 500 for everybody',
      refs: [
        { name: 'v1', weight: 0 },
        { name: 'v2', weight: 0 },
      ],
      shares: { 500: 100 },
    },
  ]

  test.each(rows)('$rule', async ({ refs, shares }) => {
    let asked = 0
    // One draw for each hundredth, in an order that has nothing to do with it.
    const clock: Clock = { ...systemClock, random: () => (((asked++ * 37) % 100) + 0.5) / 100 }
    gateway = await scene(route({ backendRefs: refs }), { clock })
    expect(await sharesOf(gateway, 100)).toEqual(shares)
  })

  test('is met by chance as well', async () => {
    gateway = await scene(
      route({
        backendRefs: [
          { name: 'v1', weight: 70 },
          { name: 'v2', weight: 30 },
        ],
      }),
      {
        clock: { ...systemClock, random: seededRandom(20_261_124) },
      },
    )
    const draws = seededRandom(20_261_124)
    const toSecond = Array.from({ length: 300 }, draws).filter((drawn) => drawn >= 0.7).length
    expect(await sharesOf(gateway, 300)).toEqual({ v1: 300 - toSecond, v2: toSecond })
    expect(toSecond).toBeGreaterThan(60)
    expect(toSecond).toBeLessThan(120)
  })
})

async function sharesOf(gateway: Scene, count: number): Promise<Record<string, number>> {
  const shares: Record<string, number> = {}
  for (let at = 0; at < count; at++) {
    const { backend, reply } = await gateway.ask('GET /')
    const who = backend ?? String(reply.status)
    shares[who] = (shares[who] ?? 0) + 1
  }
  return shares
}
