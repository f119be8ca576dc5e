import { type Balancer, type Clock, type Context, checkOptions, systemClock, type UpstreamTls, upstreamTls } from '@gatelet/core'
import type { Frame } from '../frame.ts'
import type { CallCodec } from './codec.ts'
import { jsonRpc } from './json-rpc.ts'
import { type Checked, type WebSocketCallsOptions, webSocketCallsChecks } from './options.ts'

/** Options with their defaults. */
export interface CallSettings {
  readonly balancer: Balancer
  readonly codec: CallCodec
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly protocols: readonly string[]
  readonly tls: UpstreamTls
  readonly connections: number
  readonly timeoutMs: number
  readonly connectMs: number
  readonly maxPending: number
  readonly maxBufferedBytes: number
  readonly stallMs: number
  readonly maxMessageBytes: number
  readonly maxRequestBytes: number
  readonly heartbeatMs: number
  readonly idleMs: number
  readonly idempotent: (ctx: Context) => boolean
  readonly baseMs: number
  readonly maxMs: number
  readonly onPush: (frame: Frame) => void
  readonly clock: Clock
}

/** @throws GatewayError `BAD_OPTION` */
export function callSettings(given: WebSocketCallsOptions): CallSettings {
  const checked = checkOptions<Checked<WebSocketCallsOptions>>('createWebSocketCalls', given, webSocketCallsChecks)
  const { endpoints: balancer, reconnect = {}, codec = jsonRpc(), ...rest } = checked
  const tls = upstreamTls(rest.tls, 'createWebSocketCalls')
  return { ...defaults, ...rest, tls, balancer, codec, baseMs: reconnect.baseMs ?? 100, maxMs: reconnect.maxMs ?? 30_000 }
}

const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

const defaults = {
  path: '',
  headers: {},
  protocols: [],
  connections: 1,
  timeoutMs: 30_000,
  connectMs: 5_000,
  maxPending: 1_000,
  maxBufferedBytes: 1_048_576,
  stallMs: 10_000,
  maxMessageBytes: 1_048_576,
  maxRequestBytes: 1_048_576,
  heartbeatMs: 30_000,
  idleMs: 300_000,
  idempotent: ({ request }: Context) => idempotentMethods.has(request.method),
  onPush: () => {},
  clock: systemClock,
}
