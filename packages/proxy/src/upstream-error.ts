import { type ErrorCode, GatewayError } from '@gatelet/core'

/** How far an attempt had come when it failed. */
export interface Progress {
  /** Bytes of the request may have reached the upstream. */
  readonly sent: boolean
  /** The head of an answer has come. */
  readonly hasHead: boolean
}

/**
 * What a failure of undici or of a socket means for whoever waits for the answer. Addresses and other people's words
 * stay in the message and the cause, which are for logs.
 */
export function upstreamError(error: unknown, progress: Progress): GatewayError {
  if (error instanceof GatewayError) return error
  const cause = error instanceof Error ? error : new Error(String(error))
  return new GatewayError(codeOf(cause, progress), { message: cause.message, cause })
}

function codeOf(error: Error, { sent, hasHead }: Progress): ErrorCode {
  const { code, message, name } = error as Error & { code?: unknown }
  // undici gives its parser's errors no code.
  if (name === 'HTTPParserError') return 'UPSTREAM_BAD_RESPONSE'
  if (typeof code !== 'string') return error instanceof AggregateError ? broken(sent) : 'INTERNAL'
  const known = codes.get(code)
  if (known) return known
  if (code === 'UND_ERR_SOCKET') return /^bad (response|upgrade)/.test(message) ? 'UPSTREAM_BAD_RESPONSE' : broken(sent)
  // Cut short; or, before there is a head, framed in two ways at once.
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return hasHead ? 'UPSTREAM_RESET' : 'UPSTREAM_BAD_RESPONSE'
  if (code.startsWith('HPE_')) return 'UPSTREAM_BAD_RESPONSE'
  if (certificate.test(code)) return 'UPSTREAM_CERTIFICATE'
  if (tls.test(code)) return 'UPSTREAM_TLS'
  return ours.test(code) ? 'INTERNAL' : broken(sent)
}

const broken = (sent: boolean): ErrorCode => (sent ? 'UPSTREAM_RESET' : 'UPSTREAM_CONNECT_FAILED')

const codes: ReadonlyMap<string, ErrorCode> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', 'UPSTREAM_CONNECT_TIMEOUT'],
  ['UND_ERR_HEADERS_TIMEOUT', 'UPSTREAM_HEADERS_TIMEOUT'],
  ['UND_ERR_BODY_TIMEOUT', 'UPSTREAM_BODY_TIMEOUT'],
  ['UND_ERR_HEADERS_OVERFLOW', 'UPSTREAM_BAD_RESPONSE'],
  // undici takes for granted what an upstream may get wrong.
  ['ERR_ASSERTION', 'UPSTREAM_BAD_RESPONSE'],
])

// Of it, of its chain, or of the name that it is for: OpenSSL's names, and Node's own.
const certificate =
  /^(ERR_TLS_CERT_|CERT_|CRL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)/

const tls = /^(ERR_TLS_|ERR_SSL_|EPROTO$)/

// What we handed over was not acceptable, to undici or to Node.
const ours = /^(UND_ERR_|ERR_INVALID_|ERR_UNESCAPED_)/
