import assert from 'node:assert/strict'
import type { Look } from './contenders.ts'
import type { Table } from './tables.ts'

/** That a router finds, for each path, the route that is meant and what its parameters captured. @throws AssertionError if not */
export function check(look: Look, { routes, asks }: Table): void {
  for (const path of Object.values(asks).flat()) {
    const result = look.read(look.find({ method: 'GET', url: { host: 'api.example.com', path } }))
    const found = result && { route: result.route.path, params: { ...result.params } }
    assert.deepEqual(
      found,
      expected(
        routes.filter(({ method }) => method === 'GET').map((route) => route.path),
        path,
      ),
      path,
    )
  }
}

// Of the routes that match, the one with most static segments: enough for tables in which no two part earlier.
function expected(patterns: readonly string[], path: string): object | undefined {
  const segments = path.split('/')
  const matching = patterns
    .map((route) => ({ route, parts: route.split('/') }))
    .filter(({ parts }) => parts.length === segments.length)
    .filter(({ parts }) => parts.every((part, at) => part.startsWith(':') || part === segments[at]))
    .toSorted((a, b) => paramsOf(a.parts).length - paramsOf(b.parts).length)
  const [best] = matching
  if (!best) return undefined
  return {
    route: best.route,
    params: Object.fromEntries(paramsOf(best.parts).map(([part, at]) => [part.slice(1), segments[at]])),
  }
}

const paramsOf = (parts: readonly string[]) =>
  [...parts.entries()].flatMap(([at, part]) => (part.startsWith(':') ? [[part, at] as const] : []))
