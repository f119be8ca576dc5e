import type { ErrorCode, GatewayError } from '@gatelet/core'

/** What RFC 9209 §2.3 calls an error, as far as it can happen here. */
export type ProxyErrorType =
  | 'dns_error'
  | 'destination_not_found'
  | 'destination_unavailable'
  | 'destination_ip_prohibited'
  | 'destination_ip_unroutable'
  | 'connection_refused'
  | 'connection_terminated'
  | 'connection_timeout'
  | 'connection_read_timeout'
  | 'connection_limit_reached'
  | 'tls_protocol_error'
  | 'tls_certificate_error'
  | 'http_request_error'
  | 'http_request_denied'
  | 'http_response_body_size'
  | 'http_response_timeout'
  | 'http_protocol_error'
  | 'proxy_internal_response'
  | 'proxy_internal_error'
  | 'proxy_configuration_error'
  | 'proxy_loop_detected'

/** Why an error has no type. */
export interface Untyped {
  readonly none: string
}

const notHttp: Untyped = { none: 'What failed is no HTTP server: the RFC has no word for it' }

/** The type of each error. A new row of core's table needs one here, or the reason for none. */
export const errorTypes: Readonly<Record<ErrorCode, ProxyErrorType | Untyped>> = {
  BAD_TARGET: 'http_request_error',
  BAD_HOST: 'http_request_error',
  BAD_FRAMING: 'http_request_error',
  BAD_REQUEST: 'http_request_error',
  INVALID_REQUEST: 'http_request_error',
  MALFORMED_BODY: 'http_request_error',
  UNKNOWN_VERSION: 'http_request_error',
  BAD_CREDENTIALS: 'http_request_error',
  UNAUTHENTICATED: 'http_request_denied',
  FORBIDDEN: 'http_request_denied',
  NOT_FOUND: 'destination_not_found',
  ADDRESS_DENIED: 'http_request_denied',
  ORIGIN_DENIED: 'http_request_denied',
  METHOD_NOT_ALLOWED: 'http_request_error',
  NOT_ACCEPTABLE: 'http_request_error',
  REQUEST_TIMEOUT: 'http_request_error',
  LENGTH_REQUIRED: 'http_request_error',
  CONFLICT: 'http_request_error',
  RACE: 'http_request_error',
  PRECONDITION_FAILED: 'http_request_error',
  PRECONDITION_REQUIRED: 'http_request_error',
  BODY_TOO_LARGE: 'http_request_error',
  UNSUPPORTED_MEDIA_TYPE: 'http_request_error',
  TARGET_TOO_LONG: 'http_request_error',
  EXPECTATION_FAILED: 'http_request_error',
  INVALID_BODY: 'http_request_error',
  UPGRADE_REFUSED: 'http_request_error',
  UPGRADE_REQUIRED: 'http_request_error',
  HEADERS_TOO_LARGE: 'http_request_error',
  CLIENT_CLOSED: { none: 'The client has left: nobody reads it' },
  METHOD_NOT_IMPLEMENTED: 'http_request_denied',
  BAD_OPTION: 'proxy_configuration_error',
  BAD_HEADER: 'proxy_internal_error',
  BAD_REPLY: 'proxy_internal_error',
  BODY_USED: 'proxy_internal_error',
  BODY_PARSED: 'proxy_internal_error',
  CHANGE_REFUSED: 'proxy_internal_error',
  NEXT_TWICE: 'proxy_internal_error',
  INTERNAL: 'proxy_internal_error',
  LOOP_DETECTED: 'proxy_loop_detected',
  UPGRADE_UNSUPPORTED: 'http_request_denied',
  RESPONSE_TOO_LARGE: 'http_response_body_size',
  NO_ENDPOINT: 'destination_unavailable',
  QUEUE_FULL: 'connection_limit_reached',
  QUEUE_TIMEOUT: 'connection_limit_reached',
  OVERLOADED: 'http_request_denied',
  DRAINING: 'http_request_denied',
  AUTH_UNAVAILABLE: 'proxy_internal_error',
  MAINTENANCE: 'http_request_denied',
  STORE_UNAVAILABLE: 'proxy_internal_error',
  STORE_TIMEOUT: 'proxy_internal_error',
  NOT_CACHED: 'proxy_internal_response',
  DEADLINE_EXCEEDED: 'http_response_timeout',
  FUNCTION_FAILED: notHttp,
  FUNCTION_BUSY: 'destination_unavailable',
  DATABASE_BUSY: 'destination_unavailable',
  DATABASE_UNAVAILABLE: 'destination_unavailable',
  DATABASE_TIMEOUT: notHttp,
  DATABASE_FAILED: notHttp,
  PART_FAILED: { none: 'Each part failed for a reason of its own' },
  DISCOVERY_FAILED: 'destination_unavailable',
  UPSTREAM_CONNECT_FAILED: 'destination_unavailable',
  UPSTREAM_RESET: 'connection_terminated',
  UPSTREAM_BAD_RESPONSE: 'http_protocol_error',
  UPSTREAM_ADDRESS_REFUSED: 'destination_ip_prohibited',
  UPSTREAM_CERTIFICATE: 'tls_certificate_error',
  UPSTREAM_TLS: 'tls_protocol_error',
  UPSTREAM_CONNECT_TIMEOUT: 'connection_timeout',
  UPSTREAM_TLS_TIMEOUT: 'connection_timeout',
  UPSTREAM_ATTEMPT_TIMEOUT: 'http_response_timeout',
  UPSTREAM_HEADERS_TIMEOUT: 'http_response_timeout',
  UPSTREAM_BODY_TIMEOUT: 'connection_read_timeout',
}

// Of what Node and the system say when no connection could be made.
const systemCodes: Readonly<Record<string, ProxyErrorType>> = {
  ECONNREFUSED: 'connection_refused',
  ENOTFOUND: 'dns_error',
  EAI_AGAIN: 'dns_error',
  EHOSTUNREACH: 'destination_ip_unroutable',
  ENETUNREACH: 'destination_ip_unroutable',
  ECONNRESET: 'connection_terminated',
}

/** The type of an error; of a connection that failed, by what the system said. Undefined where it has none. */
export function errorTypeOf({ code, cause }: GatewayError): ProxyErrorType | undefined {
  const type = errorTypes[code]
  if (typeof type !== 'string') return undefined
  const said = (cause as { code?: unknown } | null | undefined)?.code
  if (code !== 'UPSTREAM_CONNECT_FAILED' || typeof said !== 'string' || !Object.hasOwn(systemCodes, said)) return type
  return systemCodes[said]
}
