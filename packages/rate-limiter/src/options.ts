import {
  addressRanges,
  type Check,
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  type MaybePromise,
  options,
  type Reply,
} from '@gatelet/core'
import { type Duration, duration } from './duration.ts'
import type { RateKey } from './keys.ts'
import { policy, policyChecks, type RatePolicyOptions, ruleFrom } from './policy.ts'
import type { RateStore } from './store.ts'
import type { LimitedVerdict } from './verdict.ts'

/** Who may ask how often, and what happens to who asks more often. */
export interface RateLimitOptions<S extends object = {}> extends Omit<RatePolicyOptions<S>, 'limit'> {
  /** Units for each `per`. `limit`, `per` and the like are short for one policy. See `RatePolicyOptions`. */
  limit?: number
  /** Several policies, 1 to 20, instead of `limit`. A request passes when all of them have room; else none of them counts it. */
  policies?: readonly RatePolicyOptions<S>[]
  /**
   * Who is counted, where a policy does not say it. Undefined for a request: its client's address, apart from all keys.
   * Default: `byClientAddress()`, IPv6 by /64.
   */
  key?: RateKey<S>
  /** Policies for each key, instead of those above: what a tenant has paid for. */
  plan?: PlanOptions<S> | PlanOptions<S>['find']
  /** Where counts live. Default: `memoryRateStore()`, one of its own. */
  store?: RateStore
  /**
   * How long a store that does not answer at once may take, in milliseconds; then `onStoreError` holds, as for an answer that
   * is none. As many requests wait as come in that time. What a late answer took of slots is given back, of units not. The
   * stores that come along have a deadline of their own, 50 ms unless they are told otherwise. Default: 1,000.
   */
  storeTimeoutMs?: number
  /**
   * What holds while the store cannot be asked. `local`: the same policies, counted in this process; `open`: none;
   * `closed`: nobody passes (503). Default: `local`.
   */
  onStoreError?: 'open' | 'closed' | 'local'
  /**
   * What happens to a request that is over a limit. `reject`: 429 at once. `queue`: it waits for its turn, first come first
   * served among those with the same keys. `delay`: with policies of `gcra` it passes late, so that requests leave evenly spaced; its slots are held
   * meanwhile. Over a limit of another kind it is refused.
   * Default: `reject`.
   */
  mode?: 'reject' | 'queue' | 'delay'
  /** How long and how many requests wait, with `queue` and `delay`. */
  wait?: WaitOptions
  /** Shuts out for a while who is refused over and over. Default: nobody. */
  ban?: BanOptions
  /** Who is never limited, nor counted: addresses and CIDR ranges, or a function of the context. Default: nobody. */
  allow?: readonly string[] | ((ctx: Context<S>) => boolean)
  /**
   * Gives back what a request cost that ended with one of these statuses, or with one that the function says yes to: count
   * failed log-ins only with `(status) => status < 400`. The status of a client that left is 499. Default: none.
   */
  refund?: readonly number[] | ((status: number) => boolean)
  /** Counts, tells `gatelet:rate:decided`, and neither refuses anybody nor lets them wait: to see what limits would do. Adds no headers. Default: false. */
  shadow?: boolean
  /**
   * Which fields tell clients where they stand. `standard`: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10);
   * `legacy`: `X-RateLimit-Limit`, `-Remaining`, `-Reset`, of the policy with the least left. `Retry-After` is always sent.
   * Default: `standard`.
   */
  headers?: 'standard' | 'legacy' | 'both' | false
  /**
   * The reply to who is over a limit. The fields above and `Retry-After` are added to it. Default: 429 as problem+json (RFC 9457),
   * of the types that the draft has registered.
   */
  onLimited?: (ctx: Context<S>, verdict: LimitedVerdict) => MaybePromise<Reply>
  /** Under which name the state holds the verdict, and `settle`. Default: the state stays as it is. */
  as?: string
  /** Default: the machine's. */
  clock?: Clock
}

/** Looks up what a key may. */
export interface PlanOptions<S extends object = {}> {
  /**
   * The policies of a key; undefined for those of the limiter. Their names must not be made of keys: a store has room for 1,000. A
   * count goes on when the plan changes under the same name; with `gcra` as a time, so name plans of other rates otherwise. When it
   * throws, or takes too long, the plan that was known before holds, or else the limiter's own policies.
   */
  find: (key: string) => MaybePromise<RatePolicyOptions<S> | readonly RatePolicyOptions<S>[] | undefined>
  /** How long an answer is believed, 1 ms to 366 days. Default: '1m'. */
  ttl?: Duration
  /** How long to wait before asking again after a failure. Default: '5s'. */
  retry?: Duration
  /** How long a look-up may take; it is asked once for all requests with a key. Default: '1s'. */
  timeout?: Duration
  /** How many plans are kept, those that were used last, 1 to 1,000,000. Default: 10,000. */
  max?: number
}

/** Bounds of waiting. */
export interface WaitOptions {
  /** How long a request waits at most; one that would have to wait longer is refused at once. Default: '5s'. */
  max?: Duration
  /** How many requests wait, all together, 1 to 1,000,000. More are refused. Default: 1,000. */
  size?: number
  /** How many requests of those wait that ask the same policies about the same keys, 1 to 1,000,000. Default: 100. */
  perKey?: number
}

/** When somebody is shut out. The limiter's `key` is who; a ban is not made longer by asking on. */
export interface BanOptions {
  /** After so many refusals, 1 to 1,000,000. */
  after: number
  /** Within this time, from the first of them on. */
  within: Duration
  /** For so long. */
  for: Duration
}

const { boolean, either, fn, list, number, oneOf, optional, shape, wrong } = options

const store: Check<RateStore> = (value, path) => {
  const { take, give } = (value ?? {}) as Partial<RateStore>
  if (typeof take !== 'function' || typeof give !== 'function')
    throw wrong(value, path, 'a store of rate limits, with take and give')
  return value as RateStore
}

const addresses: Check<readonly string[]> = (value, path) => {
  const texts = list(options.string)(value, path)
  addressRanges(texts, path)
  return texts
}

const count = number({ min: 1, max: 1_000_000, integer: true })

const statuses = list(number({ min: 100, max: 599, integer: true }))

const waitChecks: Checks<WaitOptions> = { max: optional(duration), size: optional(count), perKey: optional(count) }

const planChecks: Checks<PlanOptions> = {
  find: fn('a function of the key'),
  ttl: optional(duration),
  retry: optional(duration),
  timeout: optional(duration),
  max: optional(count),
}

/**
 * What each option must be, in the light of the others.
 * @param given for what options say together
 */
function checksFor(given: Partial<RateLimitOptions> = {}): Checks<RateLimitOptions> {
  return {
    // First, so that what is wrong in them is told before what they exclude.
    policies: optional(policies),
    ...policyChecks,
    limit: given.policies === undefined ? onePolicy(given) : without('limit'),
    name: given.policies === undefined ? policyChecks.name : without('name'),
    per: given.policies === undefined ? policyChecks.per : without('per'),
    algorithm: given.policies === undefined ? policyChecks.algorithm : without('algorithm'),
    burst: given.policies === undefined ? policyChecks.burst : without('burst'),
    plan: optional(either('a function of the key, or an object with find', fn<PlanOptions['find']>(), shape(planChecks))),
    store: optional(store),
    storeTimeoutMs: optional(options.milliseconds()),
    onStoreError: optional(oneOf('open', 'closed', 'local')),
    mode: optional(oneOf('reject', 'queue', 'delay')),
    wait: given.mode === 'queue' || given.mode === 'delay' ? optional(shape(waitChecks)) : without('wait', 'nobody waits'),
    ban: optional(shape<BanOptions>({ after: count, within: duration, for: duration })),
    allow: optional(
      either('a list of addresses and CIDR ranges, or a function of the context', addresses, fn<(ctx: Context) => boolean>()),
    ),
    refund: optional(either('a list of statuses, or a function of the status', statuses, fn<(status: number) => boolean>())),
    shadow: optional(boolean),
    headers: optional(oneOf('standard', 'legacy', 'both', false)),
    onLimited: optional(fn<NonNullable<RateLimitOptions['onLimited']>>('a function of the context and the verdict')),
    as: optional(options.string),
    clock: optional(options.clock),
  }
}

/** What a list of policies must be. */
export const policies: Check<readonly RatePolicyOptions[]> = (value, path) => {
  const checked = list(policy, { min: 1, max: 20 })(value, path)
  const names = new Set<string>()
  for (const [at, each] of checked.entries()) {
    const { name } = ruleFrom(each)
    if (names.has(name)) throw wrong(name, `${path}[${at}].name`, 'the name of one policy only')
    names.add(name)
  }
  return checked
}

function onePolicy(given: object): Check<number> {
  return (value, path) => {
    policyChecks.limit(value, path)
    const own = Object.entries(given).filter(([name]) => Object.hasOwn(policyChecks, name))
    return policy(Object.fromEntries(own), '').limit
  }
}

function without(name: string, where = 'there are policies'): Check<undefined> {
  return (value) => {
    if (value !== undefined) throw wrong(value, name, `left out where ${where}`)
  }
}

/**
 * Checks options, what they say together too. @returns them, with all policies under `policies`
 * @throws GatewayError `BAD_OPTION`
 */
export function checkedOptions<S extends object>(given: RateLimitOptions<S>): CheckedOptions<S> {
  // Which state its functions read was proved by the types of whoever called.
  const checked = checkOptions<RateLimitOptions>('rateLimit', given, checksFor(given as RateLimitOptions))
  const { name, limit, per, algorithm, burst, ...others } = checked
  const one = { name, limit, per, algorithm, burst } as RatePolicyOptions
  return { ...others, policies: others.policies ?? [one] } as unknown as CheckedOptions<S>
}

/** Options as the limiter takes them. */
export type CheckedOptions<S extends object> = Omit<RateLimitOptions<S>, 'name' | 'limit' | 'per' | 'algorithm' | 'burst'> & {
  readonly policies: readonly RatePolicyOptions<S>[]
}
