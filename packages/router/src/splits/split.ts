import {
  amended,
  type Context,
  checkOptions,
  GatewayError,
  type Handler,
  isHeard,
  type MaybePromise,
  options,
  publish,
  type Reply,
  systemClock,
} from '@gatelet/core'
import { addVary } from '../filters/vary.ts'
import { cookieValues } from './cookie-values.ts'
import { Shares, type Weighted } from './shares.ts'
import {
  type SplitBackend,
  type SplitOptions,
  type SplitRule,
  type SplitSettings,
  splitChecks,
  weightCheck,
} from './split-options.ts'
import { StickyCookie } from './sticky-cookie.ts'

/** A handler that splits traffic, and whose weights can be changed while requests come in. */
export interface Split<S extends object = {}> {
  (ctx: Context<S>): MaybePromise<Reply>
  /** The weight of each backend now. */
  readonly weights: Readonly<Record<string, number>>
  /**
   * Changes weights, all at once; those that are not named stay. Requests under way stay where they are, so a swap from 100 and 0
   * to 0 and 100 moves everybody and breaks nothing off.
   * @throws GatewayError `BAD_OPTION`, and nothing is changed
   */
  setWeights(changes: Readonly<Record<string, number>>): void
}

/**
 * Splits traffic over backends in proportion to their weights, by the rules of the Gateway API's `backendRefs`: for canaries,
 * blue-green switches and tests of variants. By chance, or so that a client (a key, or whoever has the cookie) stays at its
 * backend; rules lead testers to one. What was chosen is in `ctx.state.variant`, and told on `gatelet:request:split`. `Vary` names
 * the header fields that rules read, and `Cookie` where a cookie counts; what a key is made of, whoever makes it says.
 *
 * A backend that is missing answers its share 500; one whose servers are all down, 503 as its proxy does. Where every weight is
 * 0, everything is answered 500.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const release = split(
 *   [{ name: 'stable', weight: 95, to: proxy(v1) }, { name: 'canary', weight: 5, to: proxy(v2) }],
 *   { stickyBy: { cookie: 'release' }, when: [{ header: 'x-release', value: 'canary', to: 'canary' }] },
 * )
 * release.setWeights({ stable: 50, canary: 50 })
 */
export function split<S extends object = {}>(
  // What backends read is what there is, and not the other way about: it says nothing of `variant`.
  backends: readonly SplitBackend<NoInfer<S>>[],
  given: SplitOptions<S> = {},
): Split<S> {
  const settings = checkOptions<SplitSettings>('split', { ...given, backends }, splitChecks)
  const splitter = new Splitter(settings)
  const handler = function split(ctx: Context): MaybePromise<Reply> {
    return splitter.answer(ctx)
  }
  Object.defineProperty(handler, 'weights', { get: () => splitter.weights, enumerable: true })
  const setWeights = (changes: Readonly<Record<string, number>>) => splitter.setWeights(changes)
  // Which state the backends read was proved by the types above.
  return Object.assign(handler, { setWeights }) as unknown as Split<S>
}

interface Backend extends Weighted {
  readonly to: Handler<{ variant: string }> | undefined
}

type Why = 'weight' | 'sticky' | 'forced'

class Splitter {
  private backends: readonly Backend[]
  private shares: Shares<Backend>
  private readonly settings: SplitSettings
  private readonly chance: () => number
  private readonly cookie: StickyCookie | undefined
  private readonly keyOf: ((ctx: Context) => string | undefined) | undefined
  private readonly vary: readonly string[]

  constructor(settings: SplitSettings) {
    const { backends, stickyBy, clock = systemClock } = settings
    this.settings = settings
    this.backends = backends.map(({ name, weight = 1, to }, at) => ({ name: name ?? String(at), weight, to }))
    this.shares = new Shares(this.backends)
    this.chance = () => clock.random()
    this.keyOf = typeof stickyBy === 'function' ? stickyBy : undefined
    this.cookie = typeof stickyBy === 'object' ? new StickyCookie(stickyBy) : undefined
    this.vary = varyOf(settings)
    refuseUnclear(this.backends, settings.when ?? [])
  }

  get weights(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.backends.map(({ name, weight }) => [name, weight]))
  }

  setWeights(changes: Readonly<Record<string, number>>): void {
    const checks = Object.fromEntries(this.backends.map(({ name }) => [name, options.optional(weightCheck)]))
    const checked = checkOptions<Record<string, number | undefined>>('split.setWeights', changes, checks)
    this.backends = this.backends.map((backend) => ({ ...backend, weight: checked[backend.name] ?? backend.weight }))
    this.shares = new Shares(this.backends)
  }

  answer(ctx: Context): MaybePromise<Reply> {
    if (this.vary.length === 0) return this.chosen(ctx)
    // A cache in front must not give one backend's reply to a client of another.
    return amended(
      ctx,
      (ctx) => this.chosen(ctx),
      ({ headers }) => addVary(headers, ...this.vary),
    )
  }

  private chosen(ctx: Context): MaybePromise<Reply> {
    const forced = this.forced(ctx)
    if (forced) return this.ask(ctx, forced, 'forced')
    if (this.cookie) return this.byCookie(ctx, this.cookie)
    const key = this.keyOf?.(ctx)
    return key === undefined
      ? this.ask(ctx, this.shares.at(this.chance()), 'weight')
      : this.ask(ctx, this.shares.ofKey(key), 'sticky')
  }

  private byCookie(ctx: Context, cookie: StickyCookie): MaybePromise<Reply> {
    const known = cookie.read(ctx)
    const bucket = known ?? cookie.fresh(this.chance())
    const asking: Handler = (ctx) => this.ask(ctx, this.shares.ofKey(bucket), 'sticky')
    return known === undefined ? amended(ctx, asking, ({ headers }) => cookie.write(headers, bucket, ctx)) : asking(ctx)
  }

  private forced({ request }: Context): Backend | undefined {
    for (const { header, cookie = '', value, to } of this.settings.when ?? []) {
      const found = header === undefined ? cookieValues(request.headers, cookie) : [request.headers.get(header) ?? '']
      const isMeant = found.some((each) => (value === undefined ? each !== '' : each === value))
      if (isMeant) return this.backends.find(({ name }) => name === to)
    }
    return undefined
  }

  private ask(ctx: Context, backend: Backend | undefined, why: Why): MaybePromise<Reply> {
    if (!backend) throw new GatewayError('BAD_OPTION', { message: `${this.title}: every weight is 0` })
    const { name: variant, to } = backend
    const known = ctx.with({ variant })
    if (isHeard('request:split')) {
      const { name: split } = this.settings
      publish('request:split', { context: known, variant, why, ...(split === undefined ? {} : { split }) })
    }
    if (!to) throw new GatewayError('BAD_OPTION', { message: `${this.title}: ${variant} has nothing that answers` })
    return to(known)
  }

  private get title(): string {
    const { name } = this.settings
    return name === undefined ? 'split' : `split ${name}`
  }
}

/** The fields of a request that say which backend it goes to. */
function varyOf({ stickyBy, when = [] }: SplitSettings): readonly string[] {
  const names = new Set(when.map(({ header }) => header?.toLowerCase() ?? 'cookie'))
  return typeof stickyBy === 'object' ? [...names.add('cookie')] : [...names]
}

function refuseUnclear(backends: readonly Backend[], rules: readonly SplitRule[]): void {
  const names = new Set<string>()
  for (const [at, { name }] of backends.entries()) {
    if (names.has(name)) throw refused(name, `backends[${at}].name`, 'another name than those before')
    names.add(name)
  }
  for (const [at, { to }] of rules.entries()) {
    if (!names.has(to)) throw refused(to, `when[${at}].to`, `the name of a backend: ${[...names].join(', ')}`)
  }
}

function refused(value: string, path: string, expected: string): GatewayError {
  return new GatewayError('BAD_OPTION', { path, message: `split: ${options.wrong(value, path, expected).message}` })
}
