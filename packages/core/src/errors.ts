import { inspect } from 'node:util'

/** Who has to act: the one who called us, we ourselves (or our configuration), or the one whom we call. */
export type Side = 'client' | 'gateway' | 'upstream'

/** What is fixed for one kind of failure. */
export interface ErrorRow {
  readonly status: number
  readonly side: Side
  /** Whether the same request may succeed when it is sent again unchanged. */
  readonly retryable: boolean
  /** What the client is told. No addresses, no names of hosts, no text of others. */
  readonly title: string
}

/** Every failure that Gatelet tells apart. A new failure is a new row; the codes are stable. */
export const errorTable = {
  // The client's side
  BAD_TARGET: { status: 400, side: 'client', retryable: false, title: 'The request target is not acceptable' },
  BAD_HOST: { status: 400, side: 'client', retryable: false, title: 'The Host header is missing or not acceptable' },
  BAD_FRAMING: { status: 400, side: 'client', retryable: false, title: 'The request is not framed as HTTP demands' },
  BAD_REQUEST: { status: 400, side: 'client', retryable: false, title: 'The request is not valid HTTP' },
  INVALID_REQUEST: { status: 400, side: 'client', retryable: false, title: 'The request is not as it must be here' },
  MALFORMED_BODY: { status: 400, side: 'client', retryable: false, title: 'The body is not what its type says' },
  UNKNOWN_VERSION: { status: 400, side: 'client', retryable: false, title: 'There is no such version' },
  BAD_CREDENTIALS: { status: 400, side: 'client', retryable: false, title: 'The credentials are not as they must be' },
  UNAUTHENTICATED: { status: 401, side: 'client', retryable: false, title: 'Valid credentials are needed here' },
  FORBIDDEN: { status: 403, side: 'client', retryable: false, title: 'These credentials do not allow this' },
  NOT_FOUND: { status: 404, side: 'client', retryable: false, title: 'Nothing is here' },
  ADDRESS_DENIED: { status: 403, side: 'client', retryable: false, title: 'Requests from this address are not taken' },
  ORIGIN_DENIED: { status: 403, side: 'client', retryable: false, title: 'Pages of this origin are not answered here' },
  METHOD_NOT_ALLOWED: { status: 405, side: 'client', retryable: false, title: 'The method is not allowed here' },
  NOT_ACCEPTABLE: { status: 406, side: 'client', retryable: false, title: 'Nothing of the kind that is accepted is here' },
  REQUEST_TIMEOUT: { status: 408, side: 'client', retryable: true, title: 'The request took too long to arrive' },
  LENGTH_REQUIRED: { status: 411, side: 'client', retryable: false, title: 'The length of the body must be announced' },
  CONFLICT: { status: 409, side: 'client', retryable: false, title: 'The change does not go with what is there' },
  RACE: { status: 409, side: 'client', retryable: true, title: 'Others change the same at this moment' },
  PRECONDITION_FAILED: { status: 412, side: 'client', retryable: false, title: 'What is there is not what the condition names' },
  PRECONDITION_REQUIRED: {
    status: 428,
    side: 'client',
    retryable: false,
    title: 'The change must name the version that it is of',
  },
  BODY_TOO_LARGE: { status: 413, side: 'client', retryable: false, title: 'The body is larger than is allowed here' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, side: 'client', retryable: false, title: 'A body of this type is not taken here' },
  TARGET_TOO_LONG: { status: 414, side: 'client', retryable: false, title: 'The request target is longer than is allowed here' },
  EXPECTATION_FAILED: { status: 417, side: 'client', retryable: false, title: 'The expectation cannot be met' },
  INVALID_BODY: { status: 422, side: 'client', retryable: false, title: 'The body is not as it must be here' },
  UPGRADE_REFUSED: { status: 400, side: 'client', retryable: false, title: 'The upgrade request is not acceptable' },
  UPGRADE_REQUIRED: { status: 426, side: 'client', retryable: false, title: 'Another version of the protocol is needed' },
  HEADERS_TOO_LARGE: { status: 431, side: 'client', retryable: false, title: 'The header fields are too large' },
  CLIENT_CLOSED: { status: 499, side: 'client', retryable: false, title: 'The client left before the answer was there' },
  METHOD_NOT_IMPLEMENTED: { status: 501, side: 'client', retryable: false, title: 'The method is not supported' },
  // Ours
  BAD_OPTION: { status: 500, side: 'gateway', retryable: false, title: 'The gateway is not set up rightly' },
  BAD_HEADER: { status: 500, side: 'gateway', retryable: false, title: 'A header that HTTP does not allow was to be sent' },
  BAD_REPLY: { status: 500, side: 'gateway', retryable: false, title: 'A handler answered with something that is not a reply' },
  BODY_USED: { status: 500, side: 'gateway', retryable: false, title: 'A body was read twice' },
  BODY_PARSED: { status: 500, side: 'gateway', retryable: false, title: 'The body was parsed and cannot be sent on as it came' },
  CHANGE_REFUSED: { status: 500, side: 'gateway', retryable: false, title: 'A layer changed what cannot be changed here' },
  NEXT_TWICE: { status: 500, side: 'gateway', retryable: false, title: 'A layer asked twice where one can ask once only' },
  INTERNAL: { status: 500, side: 'gateway', retryable: false, title: 'Something went wrong in the gateway' },
  DATABASE_FAILED: { status: 500, side: 'gateway', retryable: false, title: 'The database could not do what was asked' },
  LOOP_DETECTED: { status: 508, side: 'gateway', retryable: false, title: 'The request has come through this gateway already' },
  UPGRADE_UNSUPPORTED: { status: 501, side: 'gateway', retryable: false, title: 'Connections cannot change their protocol here' },
  RESPONSE_TOO_LARGE: { status: 502, side: 'gateway', retryable: false, title: 'The answer is larger than is allowed here' },
  NO_ENDPOINT: { status: 503, side: 'gateway', retryable: true, title: 'No server can take the request now' },
  QUEUE_FULL: { status: 503, side: 'gateway', retryable: true, title: 'Too many requests are waiting' },
  QUEUE_TIMEOUT: { status: 503, side: 'gateway', retryable: true, title: 'The request waited too long for its turn' },
  OVERLOADED: { status: 503, side: 'gateway', retryable: true, title: 'There is too much to do to take the request now' },
  DRAINING: { status: 503, side: 'gateway', retryable: true, title: 'The gateway is shutting down' },
  AUTH_UNAVAILABLE: { status: 503, side: 'gateway', retryable: true, title: 'Credentials cannot be checked now' },
  MAINTENANCE: { status: 503, side: 'gateway', retryable: true, title: 'This service is being worked on' },
  STORE_UNAVAILABLE: {
    status: 503,
    side: 'gateway',
    retryable: true,
    title: 'What the answer depends on cannot be looked up now',
  },
  STORE_TIMEOUT: { status: 503, side: 'gateway', retryable: true, title: 'What the answer depends on was not found out in time' },
  NOT_CACHED: { status: 504, side: 'gateway', retryable: true, title: 'Nothing is stored that answers this' },
  DEADLINE_EXCEEDED: { status: 504, side: 'gateway', retryable: true, title: 'The time for this request is over' },
  // The upstream's side
  FUNCTION_FAILED: { status: 502, side: 'upstream', retryable: false, title: 'The function failed' },
  FUNCTION_BUSY: { status: 503, side: 'upstream', retryable: true, title: 'The function takes no more requests now' },
  DATABASE_BUSY: { status: 503, side: 'upstream', retryable: true, title: 'The database takes no more requests now' },
  DATABASE_UNAVAILABLE: { status: 503, side: 'upstream', retryable: true, title: 'The database cannot be reached now' },
  DATABASE_TIMEOUT: { status: 504, side: 'upstream', retryable: true, title: 'The database did not answer in time' },
  PART_FAILED: { status: 502, side: 'upstream', retryable: true, title: 'A part of the answer could not be had' },
  DISCOVERY_FAILED: { status: 502, side: 'upstream', retryable: true, title: 'The servers could not be looked up' },
  UPSTREAM_CONNECT_FAILED: { status: 502, side: 'upstream', retryable: true, title: 'The server could not be reached' },
  UPSTREAM_RESET: { status: 502, side: 'upstream', retryable: true, title: 'The server broke the connection off' },
  UPSTREAM_BAD_RESPONSE: {
    status: 502,
    side: 'upstream',
    retryable: false,
    title: 'The server answered with something that is not valid HTTP',
  },
  UPSTREAM_ADDRESS_REFUSED: {
    status: 502,
    side: 'upstream',
    retryable: false,
    title: 'The server has an address that must not be reached from here',
  },
  UPSTREAM_CERTIFICATE: { status: 502, side: 'upstream', retryable: false, title: 'The server could not prove who it is' },
  UPSTREAM_TLS: { status: 502, side: 'upstream', retryable: false, title: 'No secure connection to the server could be made' },
  UPSTREAM_CONNECT_TIMEOUT: { status: 504, side: 'upstream', retryable: true, title: 'The server could not be reached in time' },
  UPSTREAM_TLS_TIMEOUT: { status: 504, side: 'upstream', retryable: true, title: 'No secure connection was made in time' },
  UPSTREAM_ATTEMPT_TIMEOUT: { status: 504, side: 'upstream', retryable: true, title: 'The server took too long for one attempt' },
  UPSTREAM_HEADERS_TIMEOUT: { status: 504, side: 'upstream', retryable: true, title: 'The server did not answer in time' },
  UPSTREAM_BODY_TIMEOUT: {
    status: 504,
    side: 'upstream',
    retryable: true,
    title: 'The server stopped in the middle of its answer',
  },
} as const

/** A stable name for one kind of failure. */
export type ErrorCode = keyof typeof errorTable

/** What may be told about one failure beyond its code. */
export interface GatewayErrorOptions {
  /** For logs. May hold addresses and names; never sent to a client. Default: the row's title. */
  message?: string
  /** For the client too: what would be right. Must hold nothing that is not already the client's. */
  detail?: string
  /** For `BAD_OPTION`: the path of the field, for example `endpoints[1].weight`. */
  path?: string
  /** For `METHOD_NOT_ALLOWED` (`Allow`), 503 (`Retry-After`) and the like: sent with the problem. */
  headers?: Readonly<Record<string, string>>
  /** What lies beneath. Kept for logs. */
  cause?: unknown
}

/** The one class of errors. `code` says which row of `errorTable` it is. */
export class GatewayError extends Error {
  readonly code: ErrorCode
  /** The status that a client gets for it. */
  readonly status: number
  readonly side: Side
  readonly retryable: boolean
  /** The sentence that a client may read. */
  readonly title: string
  readonly detail: string | undefined
  readonly path: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ErrorCode, options: GatewayErrorOptions = {}) {
    const { status, side, retryable, title }: ErrorRow = errorTable[code]
    super(options.message ?? options.detail ?? title, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GatewayError'
    this.code = code
    this.status = status
    this.side = side
    this.retryable = retryable
    this.title = title
    this.detail = options.detail
    this.path = options.path
    this.headers = options.headers ?? {}
  }
}

/** What was thrown, as an `Error`: anything can be thrown. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  // Not `String`, which itself throws for an object without a prototype.
  return new Error(typeof thrown === 'string' ? thrown : inspect(thrown), { cause: thrown })
}
