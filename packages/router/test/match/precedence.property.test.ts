import { GatewayError, HeaderList } from '@gatelet/core'
import { type RouteRequest, type RouteSpec, RouteTable } from '@gatelet/router'
import fc from 'fast-check'
import { expect, test } from 'vitest'

type Spec = RouteSpec<number>

// Few words, so that routes meet and requests match.
const rule = fc.constantFrom(undefined, undefined, 'int', 'slug', ['a', '7'])
const segment = fc.constantFrom('a', 'b', '7', ':', ':')
const path = fc.tuple(fc.array(segment, { maxLength: 2, size: 'max' }), fc.constantFrom('', '', '/', '/*', '/*rest'))
const request = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST'),
  host: fc.constantFrom('', 'x.test', 'y.x.test', 'z.y.x.test'),
  path: fc
    .array(fc.constantFrom('a', 'b', '7', '7', '07', 'Z', ''), { minLength: 1, maxLength: 3, size: 'max' })
    .map((segments) => `/${segments.join('/')}`),
  headers: fc.subarray(['v', 'w']),
  query: fc.constantFrom('', '?q=1', '?q=2', '?r=1&q=1'),
  tenant: fc.constantFrom(undefined, 'acme', 'globex'),
})
const route = fc
  .record({
    path,
    rules: fc.array(rule, { minLength: 3, maxLength: 3 }),
    restRule: fc.constantFrom(undefined, undefined, '*7', ['a', 'b/a']),
    method: fc.constantFrom(undefined, ['GET'], ['POST', 'HEAD'], ['GET', 'POST']),
    host: fc.constantFrom(undefined, undefined, ['x.test'], ['*.x.test', 'x.test'], ['*.y.x.test']),
    headers: fc.constantFrom({}, {}, { v: true }, { w: '1' }, { v: '1', w: ['1', '2'] }),
    query: fc.constantFrom({}, {}, { q: '1' }, { q: true, r: '1' }),
    tenant: fc.constantFrom(undefined, undefined, ['acme'], ['acme', 'globex']),
    priority: fc.constantFrom(0, 0, 1),
    trailingSlash: fc.constantFrom('strict', 'ignore', 'redirect'),
  })
  .map(({ path: [segments, end], rules, restRule, method, host, tenant, ...conditions }): Omit<Spec, 'data'> => {
    const text = segments.map((each, at) => `/${each === ':' ? `:p${at}` : each}`).join('') + end || '/'
    const ruled = segments.flatMap((each, at) => (each === ':' && rules[at] ? [[`p${at}`, rules[at]]] : []))
    if (end === '/*rest' && restRule) ruled.push(['rest', restRule])
    return {
      path: text,
      where: Object.fromEntries(ruled),
      ...(method && { method }),
      ...(host && { host }),
      ...(tenant && { tenant }),
      ...conditions,
    } as Omit<Spec, 'data'>
  })
const routes = fc.array(route, { minLength: 8, maxLength: 20, size: 'max' }).map(accepted)

/** Those of the routes that may stand in one table, numbered. */
function accepted(list: readonly Omit<Spec, 'data'>[]): Spec[] {
  const kept: Spec[] = []
  for (const each of list) {
    try {
      RouteTable.build([...kept, { ...each, data: 0 }])
      kept.push({ ...each, data: kept.length })
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
    }
  }
  return kept
}

interface Asked {
  method: string
  host: string
  path: string
  headers: string[]
  query: string
  tenant: string | undefined
}

function requestOf({ method, host, path, headers, query }: Asked): RouteRequest {
  return { method, url: { host, path, search: query }, headers: new HeaderList(headers.map((name) => [name, '1'] as const)) }
}

/** What must be found, by the plainest means: of all routes that match the one that is greatest in all that counts. */
function oracle(routes: readonly Spec[], asked: Asked): string {
  const fitting = routes.flatMap((route, order) => ranksOf(route, asked, order) ?? [])
  const taking = fitting.filter(({ method }) => method >= 0)
  const best = taking.sort((a, b) => compare(b.ranks, a.ranks))[0]
  if (best) return best.isTurned && best.route.trailingSlash === 'redirect' ? 'redirect' : `hit ${best.route.data}`
  const allow = new Set(fitting.flatMap(({ route }) => [route.method ?? []].flat()))
  if (allow.has('GET')) allow.add('HEAD')
  return allow.size > 0 ? `allow ${[...allow.add('OPTIONS')].sort().join()}` : 'miss'
}

interface Ranked {
  readonly route: Spec
  readonly isTurned: boolean
  readonly method: number
  readonly ranks: readonly number[]
}

function ranksOf(route: Spec, asked: Asked, order: number): Ranked | undefined {
  const host = Math.max(...[route.host ?? ''].flat().map((pattern) => hostRank(pattern, asked.host)))
  const found = pathRanks(route, asked.path)
  if (host < 0 || !found) return undefined
  const tenants = route.tenant as string[] | undefined
  if (tenants && !(asked.tenant && tenants.includes(asked.tenant))) return undefined
  const query = new URLSearchParams(asked.query)
  const [headers, params] = [Object.entries(route.headers ?? {}), Object.entries(route.query ?? {})]
  if (!headers.every(([name, want]) => asked.headers.includes(name) && admits(want, '1'))) return undefined
  if (!params.every(([name, want]) => query.has(name) && admits(want, query.get(name) ?? ''))) return undefined
  const method = methodRank(route.method as string[] | undefined, asked.method)
  const rest = [found.isTurned ? 0 : 1, tenants ? 1 : 0, method, headers.length, params.length, route.priority ?? 0, -order]
  return { route, isTurned: found.isTurned, method, ranks: [host, ...found.ranks, ...rest] }
}

const admits = (want: unknown, value: string) => want === true || [want].flat().includes(value)

function hostRank(pattern: string, host: string): number {
  if (pattern === '') return 0
  if (!pattern.startsWith('*.')) return pattern === host ? 1_000 : -1
  return host.endsWith(pattern.slice(1)) ? pattern.length : -1
}

function methodRank(methods: readonly string[] | undefined, method: string): number {
  if (!methods) return 0
  if (methods.includes(method)) return 2
  return method === 'HEAD' && methods.includes('GET') ? 1 : -1
}

/** One figure for each of five segments, then one for the rule of the rest. */
function pathRanks(route: Spec, path: string): { ranks: number[]; isTurned: boolean } | undefined {
  const straight = segmentRanks(route, route.path, path)
  if (straight) return { ranks: straight, isTurned: false }
  if (route.trailingSlash === 'strict' || route.path.includes('*') || route.path === '/') return undefined
  const other = route.path.endsWith('/') ? route.path.slice(0, -1) : `${route.path}/`
  const turned = segmentRanks(route, other, path)
  return turned && { ranks: turned, isTurned: true }
}

function segmentRanks({ where = {} }: Spec, pattern: string, path: string): number[] | undefined {
  const [want, have] = [pattern.split('/').slice(1), path.split('/').slice(1)]
  const rules = where as Readonly<Record<string, unknown>>
  const ranks: number[] = []
  for (let at = 0; at <= have.length; at++) {
    const [part, segment] = [want[at], have[at]]
    if (part?.startsWith('*')) {
      const rest = rules[part.slice(1)]
      const value = have.slice(at).join('/')
      if (Array.isArray(rest) ? !rest.includes(value) : rest !== undefined && !value.endsWith('7')) return undefined
      return [...padded([...ranks, 1]), rest === undefined ? 0 : Array.isArray(rest) ? 2 : 1]
    }
    if (part === undefined || segment === undefined) return part === segment ? [...padded([...ranks, 40]), 0] : undefined
    if (part === segment) ranks.push(40)
    else if (!part.startsWith(':') || segment === '') return undefined
    else {
      const rank = ruleRank(rules[part.slice(1)], segment)
      if (rank === undefined) return undefined
      ranks.push(rank)
    }
  }
  return undefined
}

const padded = (ranks: number[]) => [...ranks, ...Array<number>(6).fill(0)].slice(0, 6)

function ruleRank(rule: unknown, value: string): number | undefined {
  if (rule === undefined) return 10
  if (Array.isArray(rule)) return rule.includes(value) ? 30 : undefined
  if (rule === 'int') return value === '7' ? 29 : undefined
  return /^[a-z0-9]+$/.test(value) ? 27 : undefined
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((rank, index) => rank !== b[index])
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number)
}

function found(table: RouteTable<number>, asked: Asked): string {
  const match = table.find(requestOf(asked), 0, asked.tenant)
  if (match.kind === 'hit') return `hit ${match.data}`
  return match.kind === 'wrong-method' ? `allow ${match.allow.join()}` : match.kind
}

const settings = { numRuns: 800, seed: 20_261_124 }
const asked = fc.array(request, { minLength: 10, maxLength: 10 })

test('finds what comparing every route with every other finds', { timeout: 60_000 }, () => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(routes, asked, (routes, requests) => {
      const table = RouteTable.build(routes)
      for (const each of requests) {
        const expected = oracle(routes, each)
        const kind = expected.replace(/ .*/, '')
        seen.set(kind, (seen.get(kind) ?? 0) + 1)
        expect(found(table, each)).toBe(expected)
      }
    }),
    settings,
  )
  // The property would say nothing if hardly any request matched.
  for (const [kind, least] of [
    ['hit', 1_000],
    ['allow', 100],
    ['redirect', 50],
    ['miss', 1_000],
  ] as const) {
    expect(seen.get(kind)).toBeGreaterThan(least)
  }
})

test('an explanation names the winner, and for each other route what it lost by', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(routes, asked, (routes, requests) => {
      const table = RouteTable.build(routes)
      for (const each of requests) {
        const { candidates, found: kind, route } = table.explain(requestOf(each), each.tenant)
        const match = table.find(requestOf(each), 0, each.tenant)
        expect(kind).toBe(match.kind)
        expect(candidates.filter(({ lost }) => !lost).map((candidate) => candidate.route)).toEqual(route ? [route] : [])
        if (match.kind === 'hit') expect(route).toContain(routes[match.data]?.path)
        const fits = routes.filter((each_, order) => (ranksOf(each_, each, order)?.method ?? -1) >= 0)
        expect(candidates.filter(({ lost }) => lost?.on === 'precedence').length).toBe(Math.max(0, fits.length - 1))
        // A route with several hosts is one route still.
        expect(candidates.length).toBeGreaterThanOrEqual(routes.length)
      }
    }),
    { ...settings, numRuns: 300 },
  )
})

test('what is shadowed never answers, and where nothing is decided by order, order plays no part', { timeout: 60_000 }, () => {
  let [shadows, free] = [0, 0]
  fc.assert(
    fc.property(routes, asked, (routes, requests) => {
      const table = RouteTable.build(routes)
      const conflicts = table.conflicts()
      const shadowed = new Set(conflicts.filter(({ kind }) => kind === 'shadowed').map(({ loses }) => loses))
      shadows += shadowed.size
      const isFree = conflicts.every(({ decidedBy }) => decidedBy !== 'order')
      if (isFree) free++
      const backwards = RouteTable.build(routes.toReversed())
      for (const each of requests) {
        const { route, found: kind } = table.explain(requestOf(each), each.tenant)
        if (kind === 'hit') expect(shadowed.has(route as string)).toBe(false)
        if (isFree) expect(found(backwards, each)).toBe(found(table, each))
      }
    }),
    settings,
  )
  expect(shadows).toBeGreaterThan(10)
  expect(free).toBeGreaterThan(100)
})
