import { checkOptions, systemClock } from '@gatelet/core'
import { expiryOf } from '../../expiry.ts'
import type { Checked } from '../calls/options.ts'
import { asEvent } from './bridge.ts'
import { handshakeHeaders } from './handshake-headers.ts'
import { type SseFromWebSocketOptions, sseFromWebSocketChecks } from './sse-options.ts'

/** @throws GatewayError `BAD_OPTION` */
export function sseSettings<S extends object>(given: SseFromWebSocketOptions<S>): SseSettings {
  return {
    ...defaults,
    ...checkOptions<Checked<SseFromWebSocketOptions>>('sseFromWebSocket', given, sseFromWebSocketChecks),
  }
}

/** Options with their defaults. */
export type SseSettings = Checked<SseFromWebSocketOptions> & typeof defaults

type Defaulted = Exclude<keyof SseFromWebSocketOptions, 'endpoints' | 'sending' | 'retryMs'>

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
