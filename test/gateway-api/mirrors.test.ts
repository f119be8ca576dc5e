import { type Clock, subscribe, systemClock } from '@gatelet/core'
import { type Origin, seededRandom } from '@gatelet/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { HttpRoute, HttpRouteFilter, RequestMirror } from './http-route.ts'
import { type Scene, type SceneOptions, scene } from './scene.ts'

// HTTPRequestMirrorFilter.

const mirrored = (name: string, share: Omit<RequestMirror, 'backendRef'> = {}): HttpRouteFilter => ({
  type: 'RequestMirror',
  requestMirror: { backendRef: { name }, ...share },
})
const through = (...filters: HttpRouteFilter[]): HttpRoute[] => [{ rules: [{ filters, backendRefs: [{ name: 'v1' }] }] }]

let gateway: Scene
afterEach(() => gateway[Symbol.asyncDispose]())

async function started(routes: readonly HttpRoute[], options?: SceneOptions): Promise<Origin[]> {
  gateway = await scene(routes, options)
  return [...gateway.origins]
}

const urlsOf = (origin: Origin | undefined) => origin?.requests.map(({ method, url }) => `${method} ${url}`)
const hits = () => gateway.origins.map((origin) => origin.hits)
const reached = (wanted: readonly number[]) => vi.waitFor(() => expect(hits()).toEqual(wanted))

describe('HTTPRequestMirrorFilter.backendRef', () => {
  test('the mirror gets what the backend gets', async () => {
    const [first, second] = await started(through(mirrored('v2')))
    const { backend } = await gateway.ask('POST shop.example/a%20b?c=d | X-Own: v | Content-Length: 0')
    expect(backend).toBe('v1')
    await reached([1, 1, 0])
    expect(urlsOf(second)).toEqual(['POST /a%20b?c=d'])
    // Each proxy has a name of its own.
    const headersOf = (origin: Origin | undefined) => ({ ...origin?.requests[0]?.headers, via: undefined })
    expect(headersOf(second)).toEqual(headersOf(first))
    expect(headersOf(second)).toMatchObject({ host: 'shop.example', 'x-own': 'v' })
  })

  test('filters before it hold for the mirror too', async () => {
    const filters: HttpRouteFilter[] = [
      {
        type: 'RequestHeaderModifier',
        requestHeaderModifier: { set: [{ name: 'X-Header-Set', value: 'set' }], remove: ['X-Header-Remove'] },
      },
      mirrored('v2'),
    ]
    const [, second] = await started(through(...filters))
    await gateway.ask('GET / | X-Header-Set: old | X-Header-Remove: v')
    await reached([1, 1, 0])
    expect(second?.requests[0]?.headers['x-header-set']).toBe('set')
    expect(second?.requests[0]?.headers['x-header-remove']).toBe(undefined)
  })

  test('several mirrors get a copy each', async () => {
    const [first, second, third] = await started(through(mirrored('v2'), mirrored('v3')))
    for (const path of ['/1', '/2']) expect((await gateway.ask(`GET ${path}`)).backend).toBe('v1')
    await reached([2, 2, 2])
    for (const origin of [first, second, third]) expect(urlsOf(origin)?.sort()).toEqual(['GET /1', 'GET /2'])
  })

  test('one that leads nowhere is dropped', async () => {
    await started(through(mirrored('nobody'), mirrored('v2')))
    expect((await gateway.ask('GET /')).backend).toBe('v1')
    await reached([1, 1, 0])
  })
})

describe('HTTPRequestMirrorFilter, responses of mirrors are ignored', () => {
  test('whatever their status and fields', async () => {
    const [, second] = await started(through(mirrored('v2')))
    if (second) second.fault = { kind: 'status', status: 500, headers: { 'set-cookie': 'mirror=1' } }
    const { reply, backend } = await gateway.ask('GET /')
    await reached([1, 1, 0])
    expect([backend, reply.status, reply.headers.get('set-cookie') ?? undefined]).toEqual(['v1', 200, undefined])
  })

  test.each(['hang-before-headers', 'hang-mid-body'] as const)('the client does not wait for one that does %s', async (kind) => {
    const [, second] = await started(through(mirrored('v2')))
    if (second) second.fault = { kind }
    expect((await gateway.ask('GET /1')).backend).toBe('v1')
    await reached([1, 1, 0])
    // With that one still being asked.
    expect(second?.requests[0]?.aborted).toBe(false)
    expect((await gateway.ask('GET /2')).backend).toBe('v1')
    second?.release()
  })

  test.each(['reset-before-headers', 'reset-mid-body', 'refuse'] as const)('one that does %s harms nobody', async (kind) => {
    const outcomes: string[] = []
    const unsubscribe = subscribe('request:mirrored', ({ outcome }) => void outcomes.push(outcome))
    const [, second] = await started(through(mirrored('v2')))
    if (second) second.fault = { kind }
    for (const path of ['/1', '/2', '/3']) expect((await gateway.ask(`GET ${path}`)).backend).toBe('v1')
    await vi.waitFor(() => expect(outcomes).toEqual(['failed', 'failed', 'failed']))
    unsubscribe()
    if (second) second.fault = undefined
    expect((await gateway.ask('GET /4')).backend).toBe('v1')
    await vi.waitFor(() => expect(urlsOf(second)).toContain('GET /4'))
  })

  test('one without any server harms nobody', async () => {
    await started(through(mirrored('down'), mirrored('v3')))
    expect((await gateway.ask('GET /')).backend).toBe('v1')
    await reached([1, 0, 1])
  })

  test('nor does the mirror hear of a backend that is down', async () => {
    await started([{ rules: [{ filters: [mirrored('v2')], backendRefs: [{ name: 'down' }] }] }])
    expect((await gateway.ask('GET /')).reply.status).toBe(503)
    await reached([0, 1, 0])
  })
})

describe('HTTPRequestMirrorFilter.percent, fraction', () => {
  const rows: readonly [string, readonly Omit<RequestMirror, 'backendRef'>[], readonly number[]][] = [
    ['all where neither is said', [{}], [100]],
    ['percent', [{ percent: 25 }], [25]],
    ['1 percent', [{ percent: 1 }], [1]],
    ['0 percent', [{ percent: 0 }], [0]],
    ['100 percent', [{ percent: 100 }], [100]],
    ['a fraction', [{ fraction: { numerator: 1, denominator: 2 } }], [50]],
    ['a fraction of 100', [{ fraction: { numerator: 40 } }], [40]],
    ['a fraction that percent cannot say', [{ fraction: { numerator: 1, denominator: 3 } }], [33]],
    ['none of it', [{ fraction: { numerator: 0, denominator: 5 } }], [0]],
    ['several, each its own', [{ percent: 20 }, { fraction: { numerator: 3, denominator: 4 } }], [20, 75]],
  ]

  test.each(rows)('%s: exactly so many', async (_, shares, wanted) => {
    // One draw for each hundredth and mirror, in an order that has nothing to do with it; then one for the backend.
    let drawn = 0
    const random = () => (((Math.floor(drawn++ / (shares.length + 1)) * 37) % 100) + 0.5) / 100
    const clock: Clock = { ...systemClock, random }
    await started(through(...shares.map((share, at) => mirrored(`v${at + 2}`, share))), { clock })
    await askedTimes(100)
    await reached([100, ...[...wanted, 0].slice(0, 2)])
  })

  test('is met by chance as well', async () => {
    const clock: Clock = { ...systemClock, random: seededRandom(20_261_124) }
    await started(through(mirrored('v2', { percent: 30 })), { clock })
    await askedTimes(300)
    const draws = seededRandom(20_261_124)
    // Every other one is for the backend.
    const copies = Array.from({ length: 600 }, draws).filter((drawn, at) => at % 2 === 0 && drawn < 0.3).length
    await reached([300, copies, 0])
    expect(copies).toBeGreaterThan(60)
    expect(copies).toBeLessThan(120)
  })
})

async function askedTimes(count: number): Promise<void> {
  for (let at = 0; at < count; at++) expect((await gateway.ask('GET /')).backend).toBe('v1')
}
