import { checkOptions, systemClock, type UpstreamTls, upstreamTls } from '@gatelet/core'
import { expiryOf } from '../../expiry.ts'
import type { Checked } from '../calls/options.ts'
import { asEvent } from './bridge.ts'
import { handshakeHeaders } from './handshake-headers.ts'
import { type SseFromWebSocketOptions, sseFromWebSocketChecks } from './sse-options.ts'

/** @throws GatewayError `BAD_OPTION` */
export function sseSettings<S extends object>(given: SseFromWebSocketOptions<S>): SseSettings {
  const checked = checkOptions<Checked<SseFromWebSocketOptions>>('sseFromWebSocket', given, sseFromWebSocketChecks)
  return { ...defaults, ...checked, tls: upstreamTls(checked.tls, 'sseFromWebSocket') }
}

/** Options with their defaults. */
export type SseSettings = Omit<Checked<SseFromWebSocketOptions>, 'tls'> & typeof defaults & { readonly tls: UpstreamTls }

type Defaulted = Exclude<keyof SseFromWebSocketOptions, 'endpoints' | 'sending' | 'retryMs' | 'tls'>

const defaults: Required<Pick<SseFromWebSocketOptions, Defaulted>> = {
  path: ({ request }) => request.url.path + request.url.search,
  headers: handshakeHeaders,
  protocols: [],
  subscribe: () => undefined,
  toEvents: asEvent,
  isFinished: () => false,
  expiresAt: expiryOf,
  heartbeatMs: 15_000,
  connectMs: 5_000,
  maxMessageBytes: 1_048_576,
  maxBufferedBytes: 1_048_576,
  maxStreams: 10_000,
  clock: systemClock,
}
