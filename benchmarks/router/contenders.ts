import { RouteTable } from '@gatelet/router'
import findMyWay, { type HTTPMethod } from 'find-my-way'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { SmartRouter } from 'hono/router/smart-router'
import { TrieRouter } from 'hono/router/trie-router'
import { addRoute, createRouter, findRoute } from 'rou3'
import type { PlainRoute } from './github.ts'

/** What a table looks at: no more than what every request has. */
export interface Ask {
  readonly method: string
  readonly url: { readonly host: string; readonly path: string }
}

/** Builds a table of routes, each of which finds itself, and returns the look-up. */
export interface Contender {
  readonly name: string
  build(routes: readonly PlainRoute[]): Look
}

export interface Look {
  /** What is measured. */
  find(ask: Ask): unknown
  /** Reads what `find` returned: the route, and what the path captured. Undefined: nothing found. */
  read(result: unknown): { readonly route: PlainRoute; readonly params: Readonly<Record<string, unknown>> } | undefined
}

export const contenders: readonly Contender[] = [
  { name: 'gatelet', build: gatelet },
  { name: 'find-my-way', build: findMyWayLook },
  { name: 'rou3', build: rou3 },
  { name: 'hono', build: hono },
]

function gatelet(routes: readonly PlainRoute[]): Look {
  const table = RouteTable.build(routes.map((route) => ({ ...route, data: route })))
  return {
    find: (ask) => table.find(ask),
    read(result) {
      const match = result as ReturnType<typeof table.find>
      return match.kind === 'hit' ? { route: match.data, params: match.params } : undefined
    },
  }
}

// As it is by default: `compile()` generates code, which a policy against `eval` forbids.
function findMyWayLook(routes: readonly PlainRoute[]): Look {
  const router = findMyWay()
  for (const route of routes) router.on(route.method as HTTPMethod, route.path, () => undefined, route)
  return {
    find: ({ method, url }) => router.find(method as HTTPMethod, url.path),
    read(result) {
      const found = result as ReturnType<typeof router.find>
      return found ? { route: found.store, params: found.params } : undefined
    },
  }
}

function rou3(routes: readonly PlainRoute[]): Look {
  const router = createRouter<PlainRoute>()
  for (const route of routes) addRoute(router, route.method, route.path, route)
  return {
    find: ({ method, url }) => findRoute(router, method, url.path),
    read(result) {
      const found = result as ReturnType<typeof findRoute<PlainRoute>>
      return found ? { route: found.data, params: found.params ?? {} } : undefined
    },
  }
}

// Its default: regular expressions where the routes allow it, a trie where they do not. What the parameters are it looks up only
// when a handler asks for one, so that is not measured.
function hono(routes: readonly PlainRoute[]): Look {
  const router = new SmartRouter<PlainRoute>({ routers: [new RegExpRouter(), new TrieRouter()] })
  for (const route of routes) router.add(route.method, route.path, route)
  return {
    find: ({ method, url }) => router.match(method, url.path),
    read(result) {
      const [found, stash] = result as ReturnType<typeof router.match>
      const [first] = found
      if (!first) return undefined
      const [route, params] = first
      const named = Object.entries(params).map(([name, at]) => [name, stash ? stash[at as number] : at])
      return { route, params: Object.fromEntries(named) }
    },
  }
}
