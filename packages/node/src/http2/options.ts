import { type Checks, options } from '@gatelet/core'

/** How HTTP/2 is spoken with clients. */
export interface Http2Options {
  /** Requests that one connection may have open at once, 1 to 10,000; more are refused, and can be sent again. Default 128. */
  maxConcurrentStreams?: number
  /**
   * Streams that a client may break off within ten seconds on one connection, before their replies are out, 1 to 100,000; at
   * more the connection is closed with ENHANCE_YOUR_CALM ("rapid reset", CVE-2023-44487). Default 200.
   */
  maxResets?: number
  /** Memory that Node may hold for one connection, in megabytes, 1 to 1,000: header tables, frames and data that wait. Default 10. */
  maxSessionMegabytes?: number
}

/** Checked, and every default filled in. */
export interface Http2Settings extends Required<Http2Options> {
  readonly maxHeaderBytes: number
  readonly maxFields: number
  readonly headersTimeoutMs: number
  /** 0: no bound. */
  readonly requestTimeoutMs: number
}

const { number, optional } = options

export const http2Checks: Checks<Http2Options> = {
  maxConcurrentStreams: optional(number({ min: 1, max: 10_000, integer: true })),
  maxResets: optional(number({ min: 1, max: 100_000, integer: true })),
  maxSessionMegabytes: optional(number({ min: 1, max: 1_000, integer: true })),
}
