import { type Check, type Checks, options } from '@gatelet/core'
import { type HostPattern, hostPattern, hostText } from './host.ts'
import { type Conditions, type FieldCondition, headerConditions, queryConditions } from './match/conditions.ts'
import type { Matcher } from './match/matcher.ts'
import { type ParamRules, paramRule, ruled } from './match/where.ts'
import { type Pattern, pattern } from './pattern.ts'

/**
 * What a slash at the end of a path means, for routes that end in a rest nothing:
 * - `'strict'`: `/users` and `/users/` are two paths;
 * - `'ignore'`: the route takes both, unless another one has just that path;
 * - `'redirect'`: as `'ignore'`, but the spelling that is not the route's is answered 308 to the one that is, query kept.
 */
export type TrailingSlash = 'strict' | 'ignore' | 'redirect'

/** Which requests a route takes. What all of its conditions admit; the others are left to the next route. */
export interface RouteOptions<P extends string = string, W = ParamRules<P>> {
  /**
   * One method, or at most 100, in capitals (RFC 9110 §9.1: names are case-sensitive). Left out: every method. `GET` takes `HEAD`
   * too.
   */
  method?: string | readonly string[]
  /**
   * One host, or at most 1,000: `api.example.com`, or `*.example.com` for every host below it. Left out: every host. Case and port
   * play no part.
   */
  host?: string | readonly string[]
  /** For example `/users/:id` or `/files/*rest`. */
  path: P
  /** What the values of parameters must be, as `{ id: 'int', lang: ['de', 'en'] }`: see `ParamRule`. */
  where?: W
  /**
   * The tenants that have this route, at most 100,000; which one is asking, the router's option `tenant` says. Left out: all of
   * them, and who is none. Looking up takes the same time however many there are.
   */
  tenant?: string | readonly string[]
  /**
   * What headers must say, as `{ 'x-api-version': '2' }`. Of a header that came several times the values are joined by `, `. A router
   * names in `Vary` those that it asked about.
   */
  headers?: Conditions
  /** What the query must say, as `{ version: ['1', '2'] }`. Of a parameter that came several times the first value counts. */
  query?: Conditions
  /** Decides, the greater first, between routes that all else leaves equal; from −1,000,000 to 1,000,000. Default: 0. */
  priority?: number
  /** Default: what the router's option `trailingSlash` says. */
  trailingSlash?: TrailingSlash
}

/** A route, and what is found when it matches. */
export interface RouteSpec<D> extends RouteOptions {
  data: D
}

/** Which requests a route takes, checked and taken apart. */
export interface Place {
  readonly method?: readonly string[]
  /** Empty for every host. */
  readonly hosts: readonly HostPattern[]
  /** With the rules of its parameters. */
  readonly path: Pattern
  /** The rule of the rest. */
  readonly rest: Matcher | undefined
  readonly tenants: readonly string[] | undefined
  readonly headers: readonly FieldCondition[]
  readonly query: readonly FieldCondition[]
  readonly priority: number
  readonly trailingSlash: TrailingSlash
}

export interface Route<D> extends Place {
  readonly data: D
}

/** The options of a route, each checked by itself. */
export interface CheckedOptions {
  method?: readonly string[]
  host?: readonly HostPattern[]
  path: Pattern
  where?: Readonly<Record<string, Matcher>>
  tenant?: readonly string[]
  headers?: readonly FieldCondition[]
  query?: readonly FieldCondition[]
  priority?: number
  trailingSlash?: TrailingSlash
}

const { list, number, oneOf, optional, record, string, wrong } = options

const methodName: Check<string> = (value, path) => {
  if (typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(value)) return value
  throw wrong(value, path, 'a method in capitals, such as GET')
}

function oneOrMore<T>(check: Check<T>, max: number): Check<readonly T[]> {
  const several = list(check, { min: 1, max })
  return (value, path) => (Array.isArray(value) ? several(value, path) : [check(value, path)])
}

export const trailingSlash: Check<TrailingSlash> = oneOf('strict', 'ignore', 'redirect')

/** The checks of `RouteOptions`. */
export const routeChecks: Checks<CheckedOptions> = {
  method: optional(oneOrMore(methodName, 100)),
  host: optional(oneOrMore(hostPattern, 1_000)),
  path: pattern,
  where: optional(record(paramRule)),
  tenant: optional(oneOrMore(string, 100_000)),
  headers: optional(headerConditions),
  query: optional(queryConditions),
  priority: optional(number({ min: -1_000_000, max: 1_000_000 })),
  trailingSlash: optional(trailingSlash),
}

/**
 * @param owner the function that takes the options, for messages
 * @param field where the route stands in the options, with a dot behind it; empty for the whole
 * @throws GatewayError `BAD_OPTION` for a rule of a parameter that the path does not have
 */
export function placeOf(checked: CheckedOptions, owner: string, field: string, slash: TrailingSlash): Place {
  const { method, host = [], path, where = {}, tenant, headers = [], query = [], priority = 0 } = checked
  return {
    ...(method && { method: distinct(method) }),
    hosts: [...new Map(host.map((each) => [hostText(each), each])).values()],
    ...ruled(path, where, owner, `${field}where`),
    tenants: tenant && distinct(tenant),
    headers,
    query,
    priority,
    trailingSlash: checked.trailingSlash ?? slash,
  }
}

const distinct = (texts: readonly string[]) => [...new Set(texts)]

/** A route in one line, for messages: `GET api.example.com/users/:id (id: int, header x-v: 2)`. */
export function routeText({ method, hosts, ...place }: Place): string {
  return `${method?.join(',') ?? 'any'} ${hosts.map(hostText).join(',')}${pathText(place)}`
}

/** The same without methods and hosts. */
export function pathText({ path, rest, tenants, headers, query, priority }: Omit<Place, 'hosts'>): string {
  const rules = path.params.flatMap(({ name, constraint }) => (constraint ? [`${name}: ${constraint.text}`] : []))
  const conditions = [
    ...rules,
    ...(rest ? [`${path.rest}: ${rest.text}`] : []),
    ...(tenants ? [`tenant: ${shortened(tenants)}`] : []),
    ...headers.map(({ name, matcher }) => `header ${name}${matcher ? `: ${matcher.text}` : ''}`),
    ...query.map(({ name, matcher }) => `query ${name}${matcher ? `: ${matcher.text}` : ''}`),
    ...(priority === 0 ? [] : [`priority ${priority}`]),
  ]
  return conditions.length > 0 ? `${path.text} (${conditions.join(', ')})` : path.text
}

const shortened = (names: readonly string[]) =>
  names.length > 3 ? `${names.slice(0, 3).join('|')}|… (${names.length})` : names.join('|')
