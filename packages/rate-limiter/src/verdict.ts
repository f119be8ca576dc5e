/** How a request stands with one policy. */
export interface PolicyVerdict {
  readonly name: string
  /** Units at once: the burst of `gcra`, else the limit. */
  readonly capacity: number
  /** Whole units that are left. */
  readonly remaining: number
  /** Milliseconds until one unit more is left; 0 when all are, or nobody knows. */
  readonly resetMs: number
  /** Whether it has what the request costs. */
  readonly allowed: boolean
}

/** What has been decided. An answer, never an error. */
export type RateLimitVerdict = AllowedVerdict | LimitedVerdict

interface AnyVerdict {
  /** The policies that hold for the request; empty while the store is away and nobody counts. */
  readonly policies: readonly PolicyVerdict[]
  /** Who has counted: the limiter's store, this process in its place, or nobody. */
  readonly source: 'store' | 'local' | 'none'
}

/** The request passes, and is counted. */
export interface AllowedVerdict extends AnyVerdict {
  readonly allowed: true
}

/** The request does not pass, and is not counted. */
export interface LimitedVerdict extends AnyVerdict {
  readonly allowed: false
  /** `quota`: a policy has not enough left. `ban`: its client is shut out. `unknown`: the store cannot be asked. */
  readonly reason: 'quota' | 'ban' | 'unknown'
  /** The names of the policies that have not enough left. */
  readonly violated: readonly string[]
  /** When it would pass, if nothing else came; 0: nobody knows; `Infinity`: never, it costs more than there ever is. */
  readonly retryAfterMs: number
}
