import { GatewayError, type IncomingRequest } from '@gatelet/core'

/** @throws GatewayError `METHOD_NOT_ALLOWED` for all but GET and HEAD */
export function askedRightly({ method }: IncomingRequest): void {
  if (method !== 'GET' && method !== 'HEAD') throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: 'GET, HEAD' } })
}
