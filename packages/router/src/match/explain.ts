import { options } from '@gatelet/core'
import { decoded } from '../capture.ts'
import { type HostPattern, hostText } from '../host.ts'
import { type Ask, fits, type Placed } from '../leaf.ts'
import { type Place, routeText } from '../route.ts'
import { failedHeader, failedQuery, queryValue } from './conditions.ts'

/** Why a route does not answer a request. */
export interface Loss {
  /** The first thing that does not fit, in the order of precedence; `precedence` where all fits, but another route goes first. */
  readonly on: 'host' | 'path' | 'where' | 'tenant' | 'method' | 'headers' | 'query' | 'precedence'
  /** In words. Tells values of the request, but none of the headers that carry secrets. */
  readonly because: string
}

/** A route that was looked at. */
export interface Candidate {
  /** As `GET api.example.com/users/:id (id: int)`. */
  readonly route: string
  /** Left out for the one that won. */
  readonly lost?: Loss
}

/** Why a table finds for a request what it finds: plain data. */
export interface Explanation {
  readonly request: string
  /** What `find` says. */
  readonly found: 'hit' | 'malformed' | 'redirect' | 'wrong-method' | 'miss'
  /** The route that won. */
  readonly route?: string
  /** Every route of the table: the one that won, those that fit the host and the path, then the others. */
  readonly candidates: readonly Candidate[]
}

// More than this nobody reads; all are in the value.
const MAX_LINES = 20

/** An explanation to be read: one line for each route, the first 20. */
export function explanationText({ request, found, candidates }: Explanation): string {
  const lines = candidates
    .slice(0, MAX_LINES)
    .map(({ route, lost }) => (lost ? `  lost  ${route}: ${lost.because}` : `  won   ${route}`))
  const more = candidates.length - lines.length
  return [`${request}: ${found}`, ...lines, ...(more > 0 ? [`  and ${more} more that lost`] : [])].join('\n')
}

/** The first condition of a route that the request does not meet, where host and path fit. */
export function failedCondition(route: Placed<unknown>, ask: Ask): Loss | undefined {
  const { rest, path, tenants, method } = route
  if (rest && !fits(rest, path, ask)) return { on: 'where', because: `${path.rest} is not ${rest.text}` }
  if (tenants && !(ask.tenant !== undefined && tenants.includes(ask.tenant)))
    return {
      on: 'tenant',
      because: ask.tenant === undefined ? 'there is no tenant' : `the tenant is ${options.shown(ask.tenant)}`,
    }
  if (method && !method.includes(ask.method) && !(ask.method === 'HEAD' && method.includes('GET')))
    return { on: 'method', because: `the method is ${ask.method}` }
  const header = failedHeader(route.headers, ask)
  if (header) return { on: 'headers', because: `header ${header.name} ${isOr(headerValue(header.name, ask))}` }
  const query = failedQuery(route.query, ask)
  return (
    query && { on: 'query', because: `query ${query.name} ${isOr(shownValue(queryValue(ask.url.search ?? '', query.name)))}` }
  )
}

const secret = /^(?:authorization|cookie|proxy-authorization)$|token|key|secret/

function headerValue(name: string, { headers }: Ask): string | undefined {
  const value = headers?.get(name)
  return value !== undefined && secret.test(name) ? 'another one' : shownValue(value)
}

const shownValue = (value: string | undefined) => (value === undefined ? undefined : options.shown(value))
const isOr = (value: string | undefined) => (value === undefined ? 'is missing' : `is ${value}`)

/** Why a route goes behind another one that takes the request as well. */
export function beaten(route: Placed<unknown>, winner: Placed<unknown>, isSamePlace: boolean): Loss {
  const first = routeText(winner)
  const has = (what: string): Loss => ({ on: 'precedence', because: `${first} ${what}` })
  if (!isSamePlace) return has('goes first by its host or path')
  if (route.rest?.id !== winner.rest?.id) return has(`goes first by its rule for ${winner.path.rest}`)
  if (route.isTurned !== winner.isTurned) return has('has just this slash at the end')
  if (!route.tenants && winner.tenants) return has('names the tenant')
  if (!route.method && winner.method) return has('names the method')
  if (route.headers.length !== winner.headers.length) return has('has more conditions on headers')
  if (route.query.length !== winner.query.length) return has('has more conditions on the query')
  if (route.priority !== winner.priority) return has('has the greater priority')
  return has(route.method?.join() === winner.method?.join() ? 'was added earlier' : 'goes first by its method')
}

/** Why a route was not looked at by a table. */
export function passedBy(place: Place, host: string, path: string): Loss {
  const isHost = place.hosts.length === 0 || place.hosts.some((pattern) => matches(pattern, host))
  if (!isHost) return { on: 'host', because: `the host is ${options.shown(host)}` }
  return failedSegment(place, path.slice(1).split('/'))
}

function matches(pattern: HostPattern, host: string): boolean {
  const name = hostText(pattern)
  return pattern.isWildcard ? host.endsWith(name.slice(1)) && host.length >= name.length : host === name
}

function failedSegment({ path: pattern }: Place, segments: readonly string[]): Loss {
  for (const [at, expected] of pattern.segments.entries()) {
    const segment = segments[at]
    const param = expected === null ? pattern.params.find((each) => each.at === at) : undefined
    const wanted = expected ?? `:${param?.name}`
    if (segment === undefined) return { on: 'path', because: `the path ends before /${wanted}` }
    if (expected === null ? segment === '' : segment !== expected)
      return { on: 'path', because: `the path has /${segment}, not /${wanted}` }
    const value = decoded(segment)
    if (param?.constraint && (value === undefined || !param.constraint.accepts(value)))
      return { on: 'where', because: `${param.name} is ${options.shown(value ?? segment)}, not ${param.constraint.text}` }
  }
  return { on: 'path', because: `the path goes on with /${segments.slice(pattern.segments.length).join('/')}` }
}
