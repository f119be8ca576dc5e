/** What the dashboard shows and does of an endpoint. Those of `createBalancer` are such. */
export interface EndpointHandle {
  readonly id: string
  readonly weight: number
  readonly inflight: number
  /** `active`, `draining`, `unhealthy`, `ejected`. */
  readonly state?: string
  /** Why it is as it is. */
  readonly reason?: string | undefined
  /** Its weight when its slow start is over. */
  readonly fullWeight?: number
  /** How many requests it may have in flight. */
  readonly limit?: number
  readonly priority?: number
  readonly zone?: string | undefined
}

/** A balancer, as `createBalancer` makes them. What has no `drain` or no `setWeight` is shown, and cannot be changed. */
export interface BalancerHandle {
  readonly endpoints: readonly EndpointHandle[]
  drain?(id: string): Promise<unknown>
  setWeight?(id: string, weight: number): void
}

/** A request for which a router says where it would go. */
export interface ExplainRequest {
  readonly method: string
  readonly url: { readonly host: string; readonly path: string; readonly search: string }
}

/** Why a router finds for a request what it finds. */
export interface RouteExplanation {
  readonly request: string
  readonly found: string
  readonly route?: string
  readonly candidates: readonly { readonly route: string; readonly lost?: { readonly on: string; readonly because: string } }[]
}

/** A router, as `createRouter` makes them. */
export interface RouterHandle {
  explain(request: ExplainRequest): RouteExplanation
}

/** What of a cache is to be purged. */
export type PurgeWhat = { readonly key: string } | { readonly prefix: string } | { readonly tag: string } | { readonly all: true }

/** A cache, as `cache()` returns them. */
export interface CacheHandle {
  purge(what: PurgeWhat, options?: { soft?: boolean }): unknown
}
