import { type Context, type Endpoint, GatewayError, type IncomingRequest, type Reply } from '@gatelet/core'
import { fieldsFor } from '../attempted.ts'
import { askHandler } from '../handler-target.ts'
import { allFailed, leaseFrom, upstreamOf } from '../leasing.ts'
import type { ProxyParts } from '../parts.ts'
import { upstreamHeaders } from '../request-headers.ts'
import { Handshake } from './handshake.ts'

/**
 * Forwards a WebSocket handshake (RFC 6455 §4). Another endpoint is asked only when the connection to the first could not be
 * made.
 * @throws GatewayError `UPGRADE_REFUSED`, `UPGRADE_REQUIRED` for what is no handshake of WebSocket 13
 */
export async function upgrade(ctx: Context, { balancer, upstreams, settings, tunnels }: ProxyParts): Promise<Reply> {
  checkHandshake(ctx.request)
  const headers = upstreamHeaders(ctx.request, settings)
  const { clock } = settings
  const deadline = clock.now() + settings.totalMs
  const history = { tried: [] as Endpoint[], lastError: undefined as GatewayError | undefined }
  for (;;) {
    const lease = await leaseFrom(balancer, ctx, history)
    const { endpoint, target } = lease
    const attempt = { ctx, lease, number: history.tried.length }
    if ('handler' in target) return askHandler(attempt, target.handler, clock)
    const handshake = new Handshake({ ...attempt, settings, tunnels, deadline, upstream: upstreamOf(lease, upstreams) })
    try {
      return await handshake.ask(fieldsFor(ctx, headers, lease, attempt.number))
    } catch (error) {
      history.lastError = error as GatewayError
      history.tried.push(endpoint)
      if (handshake.isConnected || history.lastError.side !== 'upstream' || clock.now() >= deadline) throw error
      if (history.tried.length > settings.retries.max) throw allFailed(history)
    }
  }
}

function checkHandshake({ method, headers }: IncomingRequest): void {
  const refuse = (detail: string) => new GatewayError('UPGRADE_REFUSED', { detail })
  if (method !== 'GET') throw refuse('A handshake is a GET')
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') throw refuse('Only WebSocket can be upgraded to')
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers.get('sec-websocket-key') ?? ''))
    throw refuse('Sec-WebSocket-Key must be 16 bytes in base64')
  if (headers.get('sec-websocket-version') !== '13') throw new GatewayError('UPGRADE_REQUIRED', wantedVersion)
}

// RFC 6455 §4.4, RFC 9110 §15.5.22.
const wantedVersion = {
  detail: 'Only version 13 of WebSocket is spoken',
  headers: { upgrade: 'websocket', 'sec-websocket-version': '13' },
}
