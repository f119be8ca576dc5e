import { type Check, type Checks, type Clock, type Context, checkOptions, options, systemClock } from '@gatelet/core'
import { memoryCacheStore } from '../memory/memory-cache-store.ts'
import { type Policy, type PolicyOptions, policyChecks, policyOf } from '../policy/options.ts'
import type { CacheStore } from '../store.ts'

/** What `cache` does: the choices that RFC 9111 leaves (`PolicyOptions`), and where and how replies are kept. */
export interface CacheOptions<S extends object = {}> extends Omit<PolicyOptions, 'partitioned'> {
  /** Where replies are kept. Default: `memoryCacheStore({ maxBytes: 67_108_864 })`, 64 MiB of this process. */
  store?: CacheStore
  /**
   * Whom a reply is for, where it goes to nobody else: `principal`, or a text for each request. Replies to requests with
   * credentials are then stored too. Of a principal all that access may hang on counts: issuer, subject, scheme, scopes and
   * roles; where replies hang on more, such as a claim, say it by a function. Default: for all.
   */
  per?: 'principal' | ((ctx: Context<S>) => string)
  /** Requests that pass without being looked up or stored. What they change is still made invalid. Default: none. */
  bypass?: (ctx: Context<S>) => boolean
  /** How requests that ask the same wait for one of them. `false`: they do not. */
  collapse?: CollapseOptions | false
  /** Up to so many milliseconds later a stale reply is asked about in the background, so that those of one age do not ask all at once. Default: 100. */
  refreshJitterMs?: number
  /** Bytes of the longest body that is stored. What is longer passes through, and is not stored. Default: 8 MiB. */
  maxEntryBytes?: number
  /** How many replies are stored for one key, by what they vary by, 1 to 1,000; then the oldest goes. Default: 16. */
  maxVariants?: number
  /** How long a store may take that does not answer at once, in milliseconds; then the upstream is asked. Default: 50. */
  storeTimeoutMs?: number
  /**
   * Fields of replies that list tags to purge by, at most 10: between commas or spaces. They are not sent to clients.
   * Default: `surrogate-key` and `cache-tag`.
   */
  tagsFrom?: readonly string[]
  /** Whether clients, and caches between, get the fields that list tags. Default: false. */
  keepTags?: boolean
  /**
   * Fields of requests, at most 100, that are no part of any key, and that an application may put into its answer: they are
   * taken away before a request goes on whose answer others may get. Leave out what an application needs only where its replies
   * say that they vary by it. Default: `x-forwarded-host`, `x-original-url`, `x-http-method-override` and their like, and
   * `x-forwarded-proto` where no trusted proxy has set it.
   */
  unkeyed?: readonly string[]
  /** Default: the machine's. */
  clock?: Clock
}

/** How requests that ask the same wait for one of them. */
export interface CollapseOptions {
  /** Milliseconds that a request waits for the head of the reply to another one; then it asks by itself. Default: 10,000. */
  waitMs?: number
  /** Milliseconds for which requests for what turned out to be for one client only do not wait for each other. At most 10,000 such keys are known. Default: 10,000. */
  hitForMissMs?: number
  /** Bytes that all bodies hold that several may read while they come. Beyond, requests ask by themselves. Default: 64 MiB. */
  maxBytes?: number
}

/** Options that were checked, with what stands for those left out. */
export interface Settings<S extends object> {
  readonly policy: Policy
  readonly store: CacheStore
  readonly per: ((ctx: Context<S>) => string) | undefined
  readonly bypass: ((ctx: Context<S>) => boolean) | undefined
  readonly collapse: Required<CollapseOptions> | undefined
  readonly refreshJitterMs: number
  readonly maxEntryBytes: number
  readonly maxVariants: number
  readonly storeTimeoutMs: number
  readonly tagsFrom: readonly string[]
  readonly keepTags: boolean
  readonly unkeyed: ReadonlySet<string>
  readonly clock: Clock
}

const { boolean, either, fn, list, milliseconds, number, oneOf, optional, shape, token, wrong } = options

const store: Check<CacheStore> = (value, path) => {
  const methods = ['get', 'open', 'touch', 'purge'] as const
  const isStore = methods.every((name) => typeof (value as Partial<CacheStore> | null | undefined)?.[name] === 'function')
  if (!isStore) throw wrong(value, path, 'a store, with get, open, touch and purge')
  return value as CacheStore
}

const bytes = number({ min: 1, max: Number.MAX_SAFE_INTEGER, integer: true, unit: 'bytes' })

const collapseChecks: Checks<CollapseOptions> = {
  waitMs: optional(milliseconds()),
  hitForMissMs: optional(milliseconds(0)),
  maxBytes: optional(bytes),
}

const { partitioned: _, ...policyOwn } = policyChecks

const checks: Checks<CacheOptions> = {
  ...policyOwn,
  store: optional(store),
  per: optional(either("'principal' or a function", oneOf('principal'), fn<(ctx: Context) => string>())),
  bypass: optional(fn<(ctx: Context) => boolean>()),
  collapse: optional(either('an object or false', shape(collapseChecks), oneOf(false))),
  refreshJitterMs: optional(milliseconds(0)),
  maxEntryBytes: optional(bytes),
  maxVariants: optional(number({ min: 1, max: 1_000, integer: true })),
  storeTimeoutMs: optional(milliseconds()),
  tagsFrom: optional(list(token('surrogate-key'), { max: 10 })),
  keepTags: optional(boolean),
  unkeyed: optional(list(token('x-forwarded-host'), { max: 100 })),
  clock: optional(options.clock),
}

/** @throws GatewayError `BAD_OPTION` */
export function settingsOf<S extends object>(given: CacheOptions<S> | undefined, per: Settings<S>['per']): Settings<S> {
  const checked = checkOptions<CacheOptions>('cache', given, checks)
  const { waitMs = 10_000, hitForMissMs = 10_000, maxBytes = 67_108_864 } = checked.collapse || {}
  const clock = checked.clock ?? systemClock
  const policy = policyOf({ ...policyPart(checked), partitioned: checked.per !== undefined })
  return {
    policy,
    store: checked.store ?? memoryCacheStore({ maxBytes: 67_108_864, clock }),
    per,
    bypass: checked.bypass as Settings<S>['bypass'],
    collapse: checked.collapse === false ? undefined : { waitMs, hitForMissMs, maxBytes },
    refreshJitterMs: checked.refreshJitterMs ?? 100,
    maxEntryBytes: checked.maxEntryBytes ?? 8_388_608,
    maxVariants: checked.maxVariants ?? 16,
    storeTimeoutMs: checked.storeTimeoutMs ?? 50,
    tagsFrom: checked.tagsFrom ?? ['surrogate-key', 'cache-tag'],
    keepTags: checked.keepTags ?? false,
    unkeyed: new Set((checked.unkeyed ?? reflected).map((name) => name.toLowerCase())),
    clock,
  }
}

function policyPart(checked: CacheOptions): PolicyOptions {
  const names = Object.keys(policyOwn)
  return Object.fromEntries(Object.entries(checked).filter(([name]) => names.includes(name)))
}

// What applications and frameworks are known to build links, redirects or the route from.
const reflected = [
  ...[
    'x-forwarded-proto',
    'x-forwarded-host',
    'x-forwarded-server',
    'x-forwarded-scheme',
    'x-forwarded-port',
    'x-forwarded-prefix',
    'x-forwarded-path',
  ],
  ...['x-host', 'x-original-host', 'x-original-url', 'x-rewrite-url', 'x-http-host-override', 'forwarded'],
  ...['x-http-method-override', 'x-http-method', 'x-method-override'],
]
