import type { Context } from '@gatelet/core'

/** The fields of a request that concern the one who asks, and not how the answer is to come. */
const told = [
  'authorization',
  'cookie',
  'origin',
  'user-agent',
  'accept-language',
  'x-request-id',
  'traceparent',
  'tracestate',
  'last-event-id',
]

/** What a handshake on behalf of a request says. */
export function handshakeHeaders({ request }: Context): Record<string, string> {
  const headers: Record<string, string> = { 'x-forwarded-for': request.client.address }
  for (const name of told) {
    const value = request.headers.get(name)
    if (value !== undefined) headers[name] = value
  }
  return headers
}
