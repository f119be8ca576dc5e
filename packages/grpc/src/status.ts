import { type ErrorCode, GatewayError } from '@gatelet/core'

/** The codes of gRPC, by their numbers (google.rpc.Code). */
export const statusNames = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const

/** The name of a code of gRPC. */
export type StatusName = (typeof statusNames)[number]

/** How a call ended. */
export interface Status {
  /** 0 to 16. What else an upstream says is 2, as gRPC's clients take it. */
  readonly code: number
  /** For people. May be empty. */
  readonly message: string
  /** A `google.rpc.Status` in the binary format, from `grpc-status-details-bin`. */
  readonly details?: Uint8Array | undefined
}

/** The number of a code. */
export const codeOf = (name: StatusName): number => statusNames.indexOf(name)

// google/rpc/code.proto, by number.
const httpStatuses = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401]

/** The status of HTTP that says what a code of gRPC says (google/rpc/code.proto). */
export function httpStatusOf(code: number): number {
  return httpStatuses[code] ?? 500
}

/**
 * The code for an answer that is not gRPC's, where nothing but its HTTP status is known (gRPC: "HTTP to gRPC Status Code
 * Mapping"). It is not `httpStatusOf` turned round: a 404 comes from something that does not know the method at all.
 */
export function codeForHttp(status: number): number {
  return codeOf(fromHttp[status] ?? 'UNKNOWN')
}

const fromHttp: Readonly<Record<number, StatusName>> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  431: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
}

/** What an error of ours is in gRPC. */
export function statusOfError(error: unknown): Status {
  const { code, status, title, detail } = error instanceof GatewayError ? error : new GatewayError('INTERNAL')
  return { code: statusOfCode(code, status), message: detail === undefined ? title : `${title}. ${detail}` }
}

/** The code for a failure of our own, which is known better than by its HTTP status alone. @param code of core's table, if it has one */
export function statusOfCode(code: ErrorCode | undefined, status: number): number {
  return codeOf((code && fromCode[code]) ?? ofOurs[status] ?? (statusNames[codeForHttp(status)] as StatusName))
}

// Where a status that we made ourselves says more than one of unknown origin.
const ofOurs: Readonly<Record<number, StatusName>> = {
  400: 'INVALID_ARGUMENT',
  409: 'ABORTED',
  413: 'RESOURCE_EXHAUSTED',
  415: 'INVALID_ARGUMENT',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  431: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
}

const fromCode: Partial<Record<ErrorCode, StatusName>> = {
  REQUEST_TIMEOUT: 'DEADLINE_EXCEEDED',
  DEADLINE_EXCEEDED: 'DEADLINE_EXCEEDED',
  RESPONSE_TOO_LARGE: 'RESOURCE_EXHAUSTED',
  UPSTREAM_BAD_RESPONSE: 'INTERNAL',
  LOOP_DETECTED: 'INTERNAL',
}
