import type { Rates } from '../figures/recent.ts'
import type { RouteExplanation } from '../handles.ts'

/** `GET api/v1/session`: what there is, and what a change needs. */
export interface SessionView {
  readonly title: string
  readonly balancers: readonly string[]
  readonly routers: readonly string[]
  readonly caches: readonly string[]
  /** False with `readOnly`, and where `authorize` does not allow this client to change anything. */
  readonly canChange: boolean
  /** To be sent as `x-csrf-token` with each POST. Good for as long as this process runs, for whoever asked. */
  readonly csrfToken: string
}

/** One second. Times are milliseconds since 1970, latencies milliseconds. */
export interface OverviewPoint extends Rates {
  readonly at: number
  readonly inFlight: number
  /** The longest that the event loop was late. */
  readonly lagMs: number
  readonly memoryBytes: number
}

/** `GET api/v1/overview?since=<at of the last point>`: rates are of the last 10 seconds, percentiles of the last 60. */
export interface OverviewView extends OverviewPoint {
  /** When the dashboard began to count. */
  readonly startedAt: number
  readonly uptimeSeconds: number
  readonly total: number
  /** Answered with 5xx, or broken off by us. */
  readonly failed: number
  readonly aborted: number
  /** Of the last five minutes at most, the oldest first. */
  readonly points: readonly OverviewPoint[]
}

/** One endpoint. Rates and percentiles are those of its attempts in the last 30 seconds. */
export interface EndpointView extends Rates {
  readonly balancer: string
  readonly id: string
  readonly state: string
  readonly reason?: string | undefined
  readonly weight: number
  readonly fullWeight: number
  readonly priority: number
  readonly zone?: string | undefined
  readonly inFlight: number
  readonly limit?: number | undefined
  /** When something about it changed last; undefined where nothing has since the dashboard began. */
  readonly since?: number | undefined
  readonly attempts: number
  readonly failures: number
  readonly retries: number
  readonly canChange: boolean
}

/** What happened to an endpoint. */
export interface EndpointChangeView {
  readonly at: number
  readonly endpoint: string
  readonly change: string
  readonly reason?: string | undefined
  readonly balancer?: string | undefined
}

/** `GET api/v1/endpoints` */
export interface EndpointsView {
  /** When the dashboard began to look. */
  readonly startedAt: number
  readonly endpoints: readonly EndpointView[]
  /** The last 50, the newest first, of all balancers of the process. */
  readonly changes: readonly EndpointChangeView[]
}

/** One route. Rates and percentiles are those of the last minute. */
export interface RouteView extends Rates {
  readonly route: string
  readonly hits: number
  /** By `2xx` and the like, and `aborted`. */
  readonly byStatus: Readonly<Record<string, number>>
}

/** `GET api/v1/routes`: those with the most hits first. */
export interface RoutesView {
  readonly routes: readonly RouteView[]
}

/** `GET api/v1/explain?method=GET&url=/users/7` for each router. */
export interface ExplainView {
  readonly explanations: readonly (RouteExplanation & { readonly router: string })[]
}

/** `GET api/v1/limits` */
export interface LimitsView {
  readonly allowed: number
  readonly refused: number
  /** Who counted: the store, this process while the store was away, or nobody. */
  readonly byStore: number
  readonly byProcess: number
  readonly byNobody: number
  /** `shadow`: would have been refused. */
  readonly policies: readonly {
    readonly name: string
    readonly allowed: number
    readonly refused: number
    readonly shadow: number
  }[]
  readonly bans: readonly { readonly key: string; readonly at: number; readonly until: number }[]
  readonly stores: readonly { readonly store: string; readonly isAvailable: boolean; readonly at: number }[]
}

/** What one cache did. */
export interface CacheCountsView {
  /** As in `Cache-Status`. */
  readonly name: string
  readonly hit: number
  readonly stale: number
  readonly revalidated: number
  readonly miss: number
  readonly bypass: number
  readonly collapsed: number
  readonly stored: number
  readonly storeFailures: number
}

/** `GET api/v1/caches` */
export interface CachesView {
  readonly caches: readonly CacheCountsView[]
}

/** `GET api/v1/auth` */
export interface AuthView {
  readonly decisions: readonly {
    readonly outcome: string
    readonly reason: string
    readonly scheme: string
    readonly count: number
  }[]
}

/** One kind of error at one place, as it came up last. */
export interface ErrorView {
  readonly at: number
  /** `request`: it ended a request. `attempt`: it ended an attempt at an endpoint. `reply`: a handler answered with it. */
  readonly kind: 'request' | 'attempt' | 'reply'
  readonly code: string
  /** Without what looks like a secret. */
  readonly message: string
  readonly method: string
  readonly path: string
  readonly route?: string | undefined
  readonly endpoint?: string | undefined
  readonly times: number
}

/** `GET api/v1/errors`: the newest first. */
export interface ErrorsView {
  readonly errors: readonly ErrorView[]
}

/** A request that is over, in the events `rows` of `GET api/v1/tail`: `{ "rows": [...], "skipped": 0 }`. */
export interface TailRow {
  readonly at: number
  readonly method: string
  readonly host: string
  /** Without its query. */
  readonly path: string
  readonly client: string
  readonly status: number
  readonly outcome: 'finished' | 'failed' | 'aborted'
  readonly durationMs: number
  readonly route?: string | undefined
  readonly endpoint?: string | undefined
  readonly attempts: number
}
