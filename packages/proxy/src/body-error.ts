import { GatewayError } from '@gatelet/core'

/** What it means that a request's body failed: the client left, or a layer could not change it. Never the upstream's fault. */
export function bodyError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return new GatewayError(code === 'ECONNRESET' ? 'CLIENT_CLOSED' : 'INTERNAL', { cause: error })
}
