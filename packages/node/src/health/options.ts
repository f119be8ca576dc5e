import { type Checks, type Clock, type Context, checkOptions, type MaybePromise, options, systemClock } from '@gatelet/core'

/** Whether what is looked at is well: false, or what it throws, says that it is not. The signal ends when the time for it is over. */
export type ReadinessCheck = (signal: AbortSignal) => MaybePromise<unknown>

/** What has endpoints, as a balancer does. */
export interface BalancerLike {
  readonly endpoints: readonly { readonly state: string }[]
}

/** What must hold for a gateway to be ready. */
export interface ReadyzOptions {
  /** The server, once there is one: `() => server`. It is not ready before, nor while it closes. Default: that is not looked at. */
  server?: () => { readonly isDraining: boolean } | undefined
  /** By name: at least one endpoint of each must be one that may be picked. Default: none is looked at. */
  balancers?: Readonly<Record<string, BalancerLike>>
  /** By name, what else must be well: a store, a file, a database. All are asked at the same time. Default: nothing. */
  checks?: Readonly<Record<string, ReadinessCheck>>
  /** How long one check may take, in milliseconds, at least 1. Default 1,000. */
  timeoutMs?: number
  /** For how long the checks are not asked again, in milliseconds, at least 0. Default 1,000. Closing is seen at once. */
  freshMs?: number
  /**
   * Who may read, with `?verbose`, what holds and what does not, with what checks threw: true, or a function that says it of a request.
   * Default: nobody. Others read `ready` or `not ready`.
   */
  verbose?: boolean | ((ctx: Context) => MaybePromise<boolean>)
  /** Where time comes from. */
  clock?: Clock
}

/** Checked, and every default filled in. */
export interface ReadyzSettings extends Readonly<Required<Omit<ReadyzOptions, 'server' | 'verbose'>>> {
  readonly server: ReadyzOptions['server']
  readonly verbose: (ctx: Context) => MaybePromise<boolean>
}

const { boolean, either, fn, milliseconds, optional, record, wrong } = options

const balancer: options.Check<BalancerLike> = (value, path) => {
  if (!Array.isArray((value as Partial<BalancerLike> | null | undefined)?.endpoints)) throw wrong(value, path, 'a balancer')
  return value as BalancerLike
}

const checks: Checks<ReadyzOptions> = {
  server: optional(fn<NonNullable<ReadyzOptions['server']>>('a function that gives the server, such as () => server')),
  balancers: optional(record(balancer)),
  checks: optional(record(fn<ReadinessCheck>('a function of a signal'))),
  timeoutMs: optional(milliseconds()),
  freshMs: optional(milliseconds(0)),
  verbose: optional(
    either('true, false, or a function of a context', boolean, fn<(ctx: Context) => MaybePromise<boolean>>('a function')),
  ),
  clock: optional(options.clock),
}

/** @throws GatewayError `BAD_OPTION` */
export function readyzSettings(given: ReadyzOptions): ReadyzSettings {
  const { server, verbose = false, ...checked } = checkOptions('readyz', given, checks)
  return {
    balancers: {},
    checks: {},
    timeoutMs: 1_000,
    freshMs: 1_000,
    clock: systemClock,
    ...checked,
    server,
    verbose: typeof verbose === 'function' ? verbose : () => verbose,
  }
}
