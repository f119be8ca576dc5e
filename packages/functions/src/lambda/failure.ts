import { GatewayError } from '@gatelet/core'

/** What a function said of its failure: for logs, never for the client. */
export function functionFailed(kind: string, told: Uint8Array | string): GatewayError {
  const text = typeof told === 'string' ? told : Buffer.from(told).toString('utf8', 0, 2_048)
  return new GatewayError('FUNCTION_FAILED', { message: `the function failed (${kind}): ${text}` })
}

/** What Lambda itself answers in place of the function. */
export function serviceFailed(status: number, told: string, cause?: unknown): GatewayError {
  const message = `Lambda answered ${status}: ${told}`
  if (status === 429) return new GatewayError('FUNCTION_BUSY', { message, cause, headers: { 'retry-after': '1' } })
  if (status === 413) return new GatewayError('BODY_TOO_LARGE', { message, cause })
  return new GatewayError('UPSTREAM_BAD_RESPONSE', { message, cause })
}

/** Nobody answered. Only where no connection was made is it sure that the function was not called. */
export function unreachable(cause: unknown): GatewayError {
  const isConnecting = [cause, (cause as Error | undefined)?.cause].some((error) => connecting.has(String(codeIn(error))))
  const code = isConnecting ? 'UPSTREAM_CONNECT_FAILED' : 'UPSTREAM_RESET'
  return new GatewayError(code, { message: 'Lambda could not be asked', cause })
}

const codeIn = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code

const connecting: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'],
])
