import { type Check, type Checks, checkOptions, options } from '@gatelet/core'
import { serializeItem, Token } from 'structured-headers'

/** How the rules of RFC 9111 are applied where they leave a choice. */
export interface PolicyOptions {
  /** `shared`: for many clients. `private`: for one. Default: `shared`. */
  mode?: 'shared' | 'private'
  /** The name of this cache in `Cache-Status` (RFC 9211). Default: `gatelet`. */
  name?: string
  /** Fields that are read before `Cache-Control` (RFC 9213), the most specific first, at most 10. Default: `cdn-cache-control`; none where the mode is `private`. */
  targets?: readonly string[]
  /** For responses that say nothing themselves. */
  defaults?: PolicyDefaults
  /** How long a response stays fresh that tells only when it was changed (RFC 9111 §4.2.2). `false`: not at all. */
  heuristic?: HeuristicOptions | false
  /**
   * Whether clients may ask for more than the store has to give: `no-cache`, `max-age`, `min-fresh`, `max-stale` and
   * `stale-if-error` of requests. Clients that cannot be trusted would reach the upstream at will. `no-store` and
   * `only-if-cached` always hold. Default: false.
   */
  requestDirectives?: boolean
  /** Responses with `Set-Cookie`: `refuse` does not store them; `strip` stores them without. Default: `refuse`. */
  setCookie?: 'refuse' | 'strip'
  /** Responses to requests with `Cookie`: `refuse` stores them only with `public` or `s-maxage`; `ignore` like others. Default: `refuse`. */
  cookies?: 'refuse' | 'ignore'
  /** The key has who asks in it, so that responses to requests with credentials go to nobody else. Default: false. */
  partitioned?: boolean
  /** Milliseconds that a response is kept after it is stale, to be asked about by its validator. Default: 24 hours. */
  keepMs?: number
  /** Which requests are the same. */
  query?: QueryOptions
  /**
   * Whether responses may say which parts of the query do not matter (`No-Vary-Search`). Default: false.
   *
   * Each process learns it by what it stores, of at most 1,000 paths. Where several share a store, purge such paths by prefix or tag.
   */
  noVarySearch?: boolean
}

/** What holds for responses that do not say it themselves. */
export interface PolicyDefaults {
  /** Milliseconds of freshness, for statuses below 400 that may be stored without a word on it. Default: 0. */
  freshMs?: number
  /** Milliseconds after that in which they are sent while somebody asks again (RFC 5861 §3). Default: 0. */
  staleWhileRevalidateMs?: number
  /** Milliseconds after that in which they are sent instead of an error (RFC 5861 §4). Default: 0. */
  staleIfErrorMs?: number
}

/** Freshness by the time since the last change. */
export interface HeuristicOptions {
  /** The part of that time, 0 to 1. Default: 0.1. */
  fraction?: number
  /** At most these milliseconds. Default: 24 hours. */
  maxMs?: number
}

/** Which parts of a query make another resource. */
export interface QueryOptions {
  /** The same parameters in another order are the same. Default: false. */
  sort?: boolean
  /** Names of parameters that do not matter, at most 1,000. The upstream sees them still: what it makes of them all clients get. */
  ignore?: readonly string[]
  /** The only names that matter, at most 1,000. The same goes for all the others. */
  only?: readonly string[]
}

/** Options that were checked. Made once, when the program starts. */
export interface Policy {
  readonly isShared: boolean
  /** The name as it stands in `Cache-Status`. */
  readonly label: string
  readonly targets: readonly string[]
  readonly defaults: Readonly<Required<PolicyDefaults>>
  readonly heuristic: Readonly<Required<HeuristicOptions>>
  readonly requestDirectives: boolean
  readonly setCookie: 'refuse' | 'strip'
  readonly cookies: 'refuse' | 'ignore'
  readonly partitioned: boolean
  readonly keepMs: number
  readonly query: Readonly<QueryOptions>
  readonly noVarySearch: boolean
}

const dayMs = 86_400_000
// Longer than timers last: 2^31 seconds, the most that a directive can say.
const span = options.number({ min: 0, max: 2 ** 31 * 1_000, unit: 'milliseconds' })
const names = options.list(options.string, { max: 1_000 })

const defaultChecks: Checks<PolicyDefaults> = {
  freshMs: options.optional(span),
  staleWhileRevalidateMs: options.optional(span),
  staleIfErrorMs: options.optional(span),
}

const heuristicChecks: Checks<HeuristicOptions> = {
  fraction: options.optional(options.number({ min: 0, max: 1 })),
  maxMs: options.optional(span),
}

const queryChecks: Checks<QueryOptions> = {
  sort: options.optional(options.boolean),
  ignore: options.optional(names),
  only: options.optional(names),
}

const never: Check<false> = (value, path) => {
  if (value !== false) throw options.wrong(value, path, 'false')
  return value
}

/** What each option must be. */
export const policyChecks: Checks<PolicyOptions> = {
  mode: options.optional(options.oneOf('shared', 'private')),
  name: options.optional(options.string),
  targets: options.optional(options.list(options.token('cdn-cache-control'), { max: 10 })),
  defaults: options.optional(options.shape(defaultChecks)),
  heuristic: options.optional(options.either('an object or false', options.shape(heuristicChecks), never)),
  requestDirectives: options.optional(options.boolean),
  setCookie: options.optional(options.oneOf('refuse', 'strip')),
  cookies: options.optional(options.oneOf('refuse', 'ignore')),
  partitioned: options.optional(options.boolean),
  keepMs: options.optional(span),
  query: options.optional(options.shape(queryChecks)),
  noVarySearch: options.optional(options.boolean),
}

/**
 * Checks how the rules are to be applied. What the functions beside it take.
 * @throws GatewayError `BAD_OPTION`
 */
export function cachePolicy(given: PolicyOptions = {}): Policy {
  return policyOf(checkOptions<PolicyOptions>('cachePolicy', given, policyChecks))
}

/** The policy of options that were checked. @throws GatewayError `BAD_OPTION` for a name that cannot be written */
export function policyOf(checked: PolicyOptions): Policy {
  const isShared = checked.mode !== 'private'
  return Object.freeze({
    isShared,
    label: labelOf(checked.name ?? 'gatelet'),
    targets: (checked.targets ?? (isShared ? ['cdn-cache-control'] : [])).map((name) => name.toLowerCase()),
    defaults: { freshMs: 0, staleWhileRevalidateMs: 0, staleIfErrorMs: 0, ...checked.defaults },
    heuristic: checked.heuristic === false ? { fraction: 0, maxMs: 0 } : { fraction: 0.1, maxMs: dayMs, ...checked.heuristic },
    requestDirectives: checked.requestDirectives ?? false,
    setCookie: checked.setCookie ?? 'refuse',
    cookies: checked.cookies ?? 'refuse',
    partitioned: checked.partitioned ?? false,
    keepMs: checked.keepMs ?? dayMs,
    query: checked.query ?? {},
    noVarySearch: checked.noVarySearch ?? false,
  })
}

function labelOf(name: string): string {
  if (/^[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*$/.test(name)) return serializeItem(new Token(name))
  if (/^[ -~]+$/.test(name)) return serializeItem(name)
  throw options.wrong(name, 'name', 'a name in ASCII')
}
