/** Classes of status codes. What a client broke off before a status was sent (499) is among `4xx`; a WebSocket is `1xx`. */
export type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx'

/** What some requests come to. All figures are of requests that are over. */
export interface UsageTally {
  readonly requests: number
  /** Those that were answered with 500 and above, or broken off by us. */
  readonly errors: number
  /** Those that their clients broke off. */
  readonly aborted: number
  /** Bytes of bodies, from clients. */
  readonly receivedBytes: number
  /** Bytes of bodies, to clients. */
  readonly sentBytes: number
  /** How long they took, all together, in milliseconds. */
  readonly durationMs: number
  readonly byStatus: Readonly<Record<StatusClass, number>>
}

/** One request that is over. */
export interface UsedRequest {
  /** Null where nobody knows. */
  readonly consumer: string | null
  /** Null where no router chose one. */
  readonly route: string | null
  readonly status: number
  readonly outcome: 'finished' | 'failed' | 'aborted'
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly durationMs: number
}

/** A tally that grows. */
export class Tally implements UsageTally {
  requests = 0
  errors = 0
  aborted = 0
  receivedBytes = 0
  sentBytes = 0
  durationMs = 0
  readonly byStatus: Record<StatusClass, number> = { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 }

  count({ status, outcome, receivedBytes, sentBytes, durationMs }: UsedRequest): void {
    this.requests++
    if (status >= 500 || outcome === 'failed') this.errors++
    if (outcome === 'aborted') this.aborted++
    this.receivedBytes += receivedBytes
    this.sentBytes += sentBytes
    this.durationMs += durationMs
    this.byStatus[classOf(status)]++
  }

  add(other: UsageTally): void {
    this.requests += other.requests
    this.errors += other.errors
    this.aborted += other.aborted
    this.receivedBytes += other.receivedBytes
    this.sentBytes += other.sentBytes
    this.durationMs += other.durationMs
    for (const each of classes) this.byStatus[each] += other.byStatus[each]
  }
}

const classes: readonly StatusClass[] = ['1xx', '2xx', '3xx', '4xx', '5xx']

const classOf = (status: number): StatusClass => classes[Math.floor(status / 100) - 1] ?? '5xx'
