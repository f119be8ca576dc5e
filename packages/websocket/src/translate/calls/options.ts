import {
  type Balancer,
  type Check,
  type Checks,
  type Clock,
  type Context,
  options,
  type UpstreamTlsOptions,
  upstreamTlsChecks,
} from '@gatelet/core'
import type { Frame } from '../frame.ts'
import { type SocketEndpoints, socketEndpoints } from '../upstream/endpoints.ts'
import type { CallCodec } from './codec.ts'

/** How requests are asked over WebSockets. */
export interface WebSocketCallsOptions {
  /**
   * The servers: `ws:` or `wss:` URLs, to which connections are opened at once, or a balancer, to whose endpoints they are
   * opened at the first call.
   */
  endpoints: SocketEndpoints
  /** How requests and messages are matched. Default: `jsonRpc()`. */
  codec?: CallCodec
  /** Path and query of the handshake, behind the endpoint's own path. Default: none. */
  path?: string
  /** Fields of the handshake, for example `authorization`. */
  headers?: Readonly<Record<string, string>>
  /** Subprotocols to offer. */
  protocols?: readonly string[]
  /** How TLS is spoken with `wss` servers; as the proxy's `tls`. */
  tls?: UpstreamTlsOptions
  /** Connections to each endpoint, 1 to 100. Default 1. */
  connections?: number
  /** Milliseconds to the answer, and from one message of it to the next; then 504. Default 30,000. */
  timeoutMs?: number
  /** Milliseconds to open a connection, and to wait for one. Default 5,000. */
  connectMs?: number
  /** Calls that wait for their answer on one connection, 1 to 1,000,000; beyond, 503. Default 1,000. */
  maxPending?: number
  /** Bytes that wait to be sent on one connection, beyond which calls get 503; and of one answer that its client does not read,
   * beyond which the connection is paused. Default 1 MiB. */
  maxBufferedBytes?: number
  /** Milliseconds that a client which does not read may hold up the others of its connection. Default 10,000. */
  stallMs?: number
  /** Bytes of one message from the server, 1 to 1 GiB; a larger one closes the connection with 1009. Default 1 MiB. */
  maxMessageBytes?: number
  /** Bytes of a request's body; beyond, 413. Default 1 MiB. */
  maxRequestBytes?: number
  /** A ping after so many milliseconds; without a sign of life until the next, the connection is lost. Default 30,000. */
  heartbeatMs?: number
  /** Milliseconds without a call after which the connections to an endpoint of a balancer are closed. Default 300,000. */
  idleMs?: number
  /**
   * Which calls are sent again, once, when their connection is lost before the first message of the answer. Default: those whose
   * method is idempotent (RFC 9110 §9.2.2), so not POST.
   */
  idempotent?: (ctx: Context) => boolean
  /** The first wait before a lost connection is opened again, and the longest; a random part of it is waited. */
  reconnect?: ReconnectOptions
  /** Hears messages that answer no call. What it throws is told by a warning of the process. */
  onPush?: (frame: Frame) => void
  /** Default: the machine's. */
  clock?: Clock
}

/** How long is waited before a lost connection is opened again: a random part of a time that doubles ("full jitter"). */
export interface ReconnectOptions {
  /** Milliseconds. Default 100. */
  baseMs?: number
  /** Milliseconds. Default 30,000. */
  maxMs?: number
}

const { clock, fn, list, milliseconds, number, optional, record, shape, string, token, wrong } = options

const bytes = optional(number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' }))

const codec: Check<CallCodec> = (value, path) => {
  const { encode, match } = (value ?? {}) as Partial<CallCodec>
  if (typeof encode === 'function' && typeof match === 'function') return value as CallCodec
  throw wrong(value, path, 'a codec, with encode and match')
}

/** Path and query of a handshake. */
const handshakePath: Check<string> = (value, path) => {
  if (typeof value === 'string' && /^(?:[/?][!-"$-~]*)?$/.test(value)) return value
  throw wrong(value, path, 'a path with its query, such as /rpc?v=2')
}

/** What each option must be. */
export const webSocketCallsChecks: Checks<Checked<WebSocketCallsOptions>> = {
  endpoints: socketEndpoints,
  codec: optional(codec),
  path: optional(handshakePath),
  headers: optional(record(string)),
  protocols: optional(list(token('graphql-ws'), { max: 100 })),
  tls: optional(upstreamTlsChecks),
  connections: optional(number({ min: 1, max: 100, integer: true })),
  timeoutMs: optional(milliseconds()),
  connectMs: optional(milliseconds()),
  maxPending: optional(number({ min: 1, max: 1_000_000, integer: true })),
  maxBufferedBytes: bytes,
  stallMs: optional(milliseconds()),
  maxMessageBytes: bytes,
  maxRequestBytes: bytes,
  heartbeatMs: optional(milliseconds()),
  idleMs: optional(milliseconds()),
  idempotent: optional(fn<(ctx: Context) => boolean>('a function (ctx) => boolean')),
  reconnect: optional(shape<ReconnectOptions>({ baseMs: optional(milliseconds()), maxMs: optional(milliseconds()) })),
  onPush: optional(fn<(frame: Frame) => void>('a function (frame) => void')),
  clock: optional(clock),
}

/** Options whose endpoints have become a balancer. */
export type Checked<T extends { endpoints: SocketEndpoints }> = Omit<T, 'endpoints'> & { endpoints: Balancer }
