/** A route as a property test makes it up. `id` is what is found. */
export interface OracleRoute {
  readonly method: string | undefined
  readonly host: string | undefined
  readonly path: string
  readonly id: string
}

/**
 * What a router must find, by the plainest means: every route is tried, and of those that match the one that is greatest
 * in all that counts. Returns the id, the methods allowed, or undefined.
 */
export function oracle(
  routes: readonly OracleRoute[],
  method: string,
  host: string,
  path: string,
): string | string[] | undefined {
  const onPath = routes.filter((route) => hostRank(route.host, host) >= 0 && pathRanks(route.path, path))
  const matching = onPath.filter((route) => methodRank(route.method, method) >= 0)
  if (matching.length > 0) {
    const ranks = (route: OracleRoute) => [
      hostRank(route.host, host),
      ...(pathRanks(route.path, path) as number[]),
      methodRank(route.method, method),
    ]
    return matching.reduce((best, route) => (isGreater(ranks(route), ranks(best)) ? route : best)).id
  }
  const allow = new Set(onPath.flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method as string])))
  return allow.size > 0 ? [...allow.add('OPTIONS')].sort() : undefined
}

/** How much a host pattern says about a host: its length, an exact one far ahead; -1 when it does not match. */
function hostRank(pattern: string | undefined, host: string): number {
  if (pattern === undefined) return 0
  if (!pattern.startsWith('*.')) return pattern === host ? 1_000 : -1
  const suffix = pattern.slice(1)
  return host.endsWith(suffix) && host.length > suffix.length ? suffix.length : -1
}

/** One figure for each segment of the path, greater for what says more; undefined when the pattern does not match. */
function pathRanks(pattern: string, path: string): number[] | undefined {
  const want = pattern.split('/').slice(1)
  const have = path.split('/').slice(1)
  const ranks: number[] = []
  for (let at = 0; at <= have.length; at++) {
    const part = want[at]
    const segment = have[at]
    if (part?.startsWith('*')) return padded([...ranks, 1], have.length)
    if (part === undefined || segment === undefined) return part === segment ? padded([...ranks, 4], have.length) : undefined
    if (part === segment) ranks.push(3)
    else if (part.startsWith(':') && segment !== '') ranks.push(2)
    else return undefined
  }
  return undefined
}

// So that the rank of the method stands at the same place for every pattern.
const padded = (ranks: number[], length: number) => [...ranks, ...Array<number>(length + 1).fill(0)].slice(0, length + 2)

function methodRank(pattern: string | undefined, method: string): number {
  if (pattern === undefined) return 0
  if (pattern === method) return 2
  return pattern === 'GET' && method === 'HEAD' ? 1 : -1
}

function isGreater(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((rank, index) => rank !== b[index])
  return at >= 0 && (a[at] as number) > (b[at] as number)
}
