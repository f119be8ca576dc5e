import { type Checks, type Clock, type Context, type MaybePromise, options, type Reply } from '@gatelet/core'
import type { BalancerHandle, CacheHandle, RouterHandle } from './handles.ts'

/** What a client wants of the dashboard. */
export type Wants = 'read' | 'change'

/** What the dashboard shows, and to whom. */
export interface DashboardOptions<S extends object = {}> {
  /**
   * Who may see it, and change things: asked of each request. False: 403; a reply is given as it is, for example 401 with a challenge, or
   * a redirect to a log-in. `'loopback'`: whoever is on this machine, by a request that nobody has passed on, to `localhost`.
   * There is no default: it does not start without.
   */
  authorize: 'loopback' | ((ctx: Context<S>, wants: Wants) => MaybePromise<boolean | Reply>)
  /** Balancers by name, as `createBalancer` makes them; or a function that tells them, where they change: `() => gateway.upstreams`. */
  balancers?: Readonly<Record<string, BalancerHandle>> | (() => Readonly<Record<string, BalancerHandle>>)
  /** Routers by name, for the box that says which route a URL takes. */
  routers?: Readonly<Record<string, RouterHandle>>
  /** Caches by name, to be purged. Use the name that they have in `Cache-Status`, so that their figures stand beside. */
  caches?: Readonly<Record<string, CacheHandle>>
  /** The path before the page where nobody takes it away: `/admin`. Routers of Gatelet and mounts of frameworks do. Default: none. */
  path?: string
  /** What stands on top of the page. Default: `Gatelet`. */
  title?: string
  /** Nothing can be changed by it. Default: false. */
  readOnly?: boolean
  /** Routes that are counted by themselves, 1 to 10,000; the others together. Each takes 5 KB. Default: 500. */
  maxRoutes?: number
  /** Errors that are kept, 1 to 10,000; the same one at the same place is one. Default: 100. */
  maxErrors?: number
  /** Who may look at the live tail at once, 1 to 1,000. Each takes up to 64 KiB more where it does not keep up. Default: 8. */
  maxReaders?: number
  /** Default: the machine's. */
  clock?: Clock
}

const { boolean, clock, either, fn, number, oneOf, optional, record, string, wrong } = options

/** Something that has this method, or this property. */
function having<T>(member: string, what: string): options.Check<T> {
  return (value, path) => {
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
    if (isObject && member in value) return value as T
    throw wrong(value, path, what)
  }
}

const prefix = (value: unknown, path: string): string => {
  if (typeof value === 'string' && /^(?:\/[\w.~-]+)+$/.test(value)) return value
  throw wrong(value, path, 'a path without a slash at its end, such as /admin')
}

/** What each option must be. */
export const dashboardChecks: Checks<DashboardOptions> = {
  authorize: either(
    "a function that says who may see it, or 'loopback'",
    fn<(ctx: Context) => MaybePromise<boolean | Reply>>(),
    oneOf('loopback'),
  ),
  balancers: optional(
    either(
      'an object of balancers by name, or a function that returns one',
      fn<() => Readonly<Record<string, BalancerHandle>>>(),
      record(having<BalancerHandle>('endpoints', 'a balancer')),
    ),
  ),
  routers: optional(record(having<RouterHandle>('explain', 'a router'))),
  caches: optional(record(having<CacheHandle>('purge', 'a cache'))),
  path: optional(prefix),
  title: optional(string),
  readOnly: optional(boolean),
  maxRoutes: optional(number({ min: 1, max: 10_000, integer: true })),
  maxErrors: optional(number({ min: 1, max: 10_000, integer: true })),
  maxReaders: optional(number({ min: 1, max: 1_000, integer: true })),
  clock: optional(clock),
}
