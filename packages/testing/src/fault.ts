/**
 * What an origin does wrong. Set it (`farm.servers[0].fault = { kind: 'status', status: 500 }`) and take it back
 * (`= undefined`) at any time; it counts for requests that come from then on.
 */
export type Fault =
  /** Answers with this status, when the whole request is here. */
  | { kind: 'status'; status: number; headers?: Readonly<Record<string, string>>; body?: string; times?: number }
  /** Takes the request and says nothing until `release()`. */
  | { kind: 'hang-before-headers'; times?: number }
  /** Sends the head and a part of the body, then nothing until `release()`, which sends the rest. */
  | ({ kind: 'hang-mid-body' } & PartOfBody)
  /** Breaks the connection off (RST) as soon as the request's head is here. */
  | { kind: 'reset-before-headers'; times?: number }
  /** Sends the head and a part of the body, then breaks the connection off (RST). */
  | ({ kind: 'reset-mid-body' } & PartOfBody)
  /** Sends the head and a part of the body, then closes (FIN), so that the body is shorter than was said. */
  | ({ kind: 'close-mid-body' } & PartOfBody)
  /** Answers `ms` later by the clock of the farm, or at `release()`; without `ms` only then. */
  | { kind: 'delay'; ms?: number; times?: number }
  /** Does not listen: connections are refused and idle ones closed. What is being answered goes on. */
  | { kind: 'refuse' }
  /**
   * Closes the keep-alive connection `afterMs` (by the clock of the farm, default 0: at once) after each reply, without
   * having said `Connection: close`: the client may be sending on it.
   */
  | { kind: 'close-after-reply'; afterMs?: number; times?: number }
  /** Answers the first request of each connection and closes it when a second comes: the keep-alive race, for certain. */
  | { kind: 'close-on-reuse'; times?: number }
  /**
   * Reads nothing of the request's body (but what fits into buffers) until `release()`, then all and answers. Who does
   * not read does not see that the client left, either.
   */
  | { kind: 'slow-reader'; times?: number }

/** Of the faults in the middle of a body. `times`, here as everywhere, is for how many requests; default: all. */
export interface PartOfBody {
  /** How many bytes of the body are sent before it happens. 1024 more are promised. Default: 1024. */
  sentBytes?: number
  /** Frames the body by chunks instead of `Content-Length`. */
  chunked?: boolean
  times?: number
}
