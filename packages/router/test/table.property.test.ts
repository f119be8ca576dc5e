import { GatewayError } from '@gatelet/core'
import { type RouteSpec, RouteTable } from '@gatelet/router'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type OracleRoute, oracle } from './oracle.ts'

// Few words, so that patterns meet and paths match.
const word = fc.constantFrom('a', 'b', 'ab')
const patternSegment = fc.oneof({ weight: 3, arbitrary: word }, { weight: 2, arbitrary: fc.constantFrom(':x', ':y') })
const pathPattern = fc
  .tuple(fc.array(patternSegment, { maxLength: 4 }), fc.constantFrom('', '', '/', '/*', '/*rest'))
  .map(([segments, end]) => withDistinctNames(segments).join('') + end || '/')
const path = fc.array(fc.oneof(word, fc.constantFrom('c', '')), { maxLength: 5 }).map((segments) => `/${segments.join('/')}`)
const hostPattern = fc.constantFrom(undefined, undefined, 'x.test', 'y.x.test', '*.test', '*.x.test')
const host = fc.constantFrom('', 'test', 'x.test', 'y.x.test', 'z.y.x.test', 'other.example')
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS')
const route = fc
  .record({ method: fc.option(method, { nil: undefined }), host: hostPattern, path: pathPattern })
  .map((made): OracleRoute => ({ ...made, id: `${made.method} ${made.host} ${made.path}` }))
const routes = fc.uniqueArray(route, { selector: whatItMatches, maxLength: 25, size: 'max' })
const request = fc.tuple(method, host, path)

const settings = { numRuns: 3_000, seed: 20_261_124 }

function withDistinctNames(segments: readonly string[]): string[] {
  return segments.map((segment, at) => (segment.startsWith(':') ? `/${segment}${at}` : `/${segment}`))
}

function whatItMatches({ method, host, path }: OracleRoute): string {
  return `${method} ${host} ${path.replace(/:\w+/g, ':').replace(/\*\w*$/, '*')}`
}

function specOf({ method, host, path, id }: OracleRoute): RouteSpec<string> {
  return { ...(method && { method }), ...(host && { host }), path, data: id }
}

function find(table: RouteTable<string>, [method, host, path]: [string, string, string]): string | readonly string[] | undefined {
  const match = table.find({ method, url: { host, path } })
  if (match.kind === 'hit') return match.data
  return match.kind === 'wrong-method' ? match.allow : undefined
}

test('finds what comparing every route with every other finds', { timeout: 60_000 }, () => {
  let hits = 0
  let refusals = 0
  fc.assert(
    fc.property(routes, fc.array(request, { minLength: 10, maxLength: 10 }), (routes, requests) => {
      const table = RouteTable.build(routes.map(specOf))
      for (const request of requests) {
        const expected = oracle(routes, ...request)
        if (typeof expected === 'string') hits++
        if (Array.isArray(expected)) refusals++
        expect(find(table, request)).toEqual(expected)
      }
    }),
    settings,
  )
  // The property would say nothing if hardly any path matched.
  expect(hits).toBeGreaterThan(3_000)
  expect(refusals).toBeGreaterThan(500)
})

test('finds the same whatever the order of the routes', () => {
  const shuffled = routes.chain((routes) =>
    fc.tuple(fc.constant(routes), fc.shuffledSubarray(routes, { minLength: routes.length })),
  )
  fc.assert(
    fc.property(shuffled, request, ([routes, others], request) => {
      const [one, other] = [routes, others].map((list) => RouteTable.build(list.map(specOf)))
      expect(find(one as RouteTable<string>, request)).toEqual(find(other as RouteTable<string>, request))
    }),
    settings,
  )
})

test('refuses routes exactly when two of them match the same requests', () => {
  let refused = 0
  fc.assert(
    fc.property(fc.array(route, { maxLength: 25, size: 'max' }), (routes) => {
      const build = () => RouteTable.build(routes.map(specOf))
      if (new Set(routes.map(whatItMatches)).size === routes.length) return void expect(build).not.toThrow()
      refused++
      expect(build).toThrow(GatewayError)
    }),
    settings,
  )
  expect(refused).toBeGreaterThan(100)
  expect(refused).toBeLessThan(2_700)
})

test('captures are the segments of the path, decoded', () => {
  const anything = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 })
  const table = RouteTable.build([{ path: '/a/:first/:second/*rest', data: 0 }])
  fc.assert(
    fc.property(anything, anything, fc.array(anything, { maxLength: 4 }), (first, second, rest) => {
      const path = `/a/${[first, second, ...rest].map(encodeURIComponent).join('/')}`
      const kept = rest.map((segment) => segment.replaceAll('/', '%2F')).join('/')
      expect(table.find({ method: 'GET', url: { host: '', path } })).toMatchObject({ params: { first, second, rest: kept } })
    }),
    settings,
  )
})

test('a path that fits every pattern but for its end is given up after one search of the tree', () => {
  const deep = 60
  const patterns = Array.from({ length: deep }, (_, at) =>
    Array.from({ length: deep }, (_, segment) => (segment === at ? '/:p' : '/a')).join(''),
  )
  const routes = patterns.flatMap((path) => [`${path}/end`, `${path}/:q/end`]).map((path) => ({ path, data: path }))
  const table = RouteTable.build(routes)
  expect(table.find({ method: 'GET', url: { host: '', path: '/a'.repeat(deep + 2) } })).toEqual({ kind: 'miss' })
})

test('a long path costs no more than its length', () => {
  const table = RouteTable.build([
    { path: '/a/:b/c', data: 'deep' },
    { path: '/*rest', data: 'all' },
  ])
  const path = '/a'.repeat(500_000)
  expect(table.find({ method: 'GET', url: { host: '', path } })).toMatchObject({ data: 'all', params: { rest: path.slice(1) } })
})
