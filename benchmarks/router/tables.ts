import { githubAsks, githubRoutes, type PlainRoute } from './github.ts'

const words = ['orders', 'users', 'billing', 'search', 'media', 'mail', 'stock', 'reports', 'payments', 'sessions']

/** Routes, and paths of which each kind is asked by GET. */
export interface Table {
  readonly name: string
  readonly routes: readonly PlainRoute[]
  readonly asks: Readonly<Record<string, readonly string[]>>
}

/** The table of one large API, and one of a gateway in front of many small ones: 200 services with five routes each. */
export const tables: readonly Table[] = [
  { name: 'GitHub', routes: githubRoutes, asks: githubAsks },
  { name: 'gateway', routes: serviceRoutes(200), asks: serviceAsks(200) },
]

/** Five routes for each service. */
export function serviceRoutes(count: number): PlainRoute[] {
  return names(count).flatMap((name) => [
    { method: 'GET', path: `/${name}/status` },
    { method: 'GET', path: `/${name}/items/:id` },
    { method: 'POST', path: `/${name}/items/:id` },
    { method: 'GET', path: `/${name}/items/:id/parts/:part` },
    { method: 'GET', path: `/${name}/items/:id/parts/:part/history` },
  ])
}

function serviceAsks(count: number): Record<string, string[]> {
  const some = names(count).filter((_, at) => at % 17 === 0)
  return {
    static: some.map((name) => `/${name}/status`),
    'one param': some.map((name, at) => `/${name}/items/${at * 7_919}`),
    'two params': some.map((name, at) => `/${name}/items/${at * 7_919}/parts/main`),
    'late static': some.map((name, at) => `/${name}/items/${at * 7_919}/parts/main/history`),
    miss: some.map((name, at) => `/${name}/items/${at * 7_919}/nothing`),
  }
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${words[at % words.length]}-${Math.floor(at / words.length)}`)
}
