import { type Checks, type Clock, type Context, options } from '@gatelet/core'
import { originsCheck } from '../translate/events/web-socket-options.ts'
import type { WebSocketConnection } from './connection.ts'

/** What a connection may do, and for how long. */
export interface ConnectionLimits {
  /** Bytes of one message, fragments together and inflated; beyond it the connection is closed with 1009. Default 1 MiB. */
  maxMessageBytes?: number
  /** Connections at once, beyond which a handshake gets 503. Default 10,000. */
  maxConnections?: number
  /** Messages a second, pings among them. Default: no limit. */
  messagesPerSecond?: number
  /** Bytes of messages a second. Default: no limit. */
  bytesPerSecond?: number
  /** How many seconds' worth of both may come at once, 0.1 to 3,600. Default 5. */
  burstSeconds?: number
  /** What a connection is closed with that sends more: 1008, or 1013 for "try again later". Default 1008. */
  overRateCode?: 1008 | 1013
  /** Messages that wait to be taken, 1 to 10,000; or bytes, `maxMessageBytes` of them. Then the socket is read no further. Default 16. */
  maxQueued?: number
  /** Bytes that wait for a client which does not read. Beyond it the connection is broken off. Default 4 MiB. */
  maxBufferedBytes?: number
  /**
   * A ping after so many milliseconds; a client that gives no sign of life until the next is cut off. One whose messages are not taken
   * cannot be heard: when it is gone, TCP finds out in minutes; `idleTimeoutMs` and `maxLifeMs` hold for it. Default 30,000.
   */
  heartbeatMs?: number
  /** Milliseconds without a message either way after which it is closed with 1001; 0: never. Default 0. */
  idleTimeoutMs?: number
  /** Milliseconds after which it is closed with 1001 in any case; 0: never. Default 0. */
  maxLifeMs?: number
}

/** Who may connect, and how. */
export interface HandshakeOptions<S extends object = {}> {
  /** Pages that may connect, as `Origin` says it: `https://shop.example`. Default: those of the same host. What is no page may. */
  origins?: readonly string[] | 'any'
  /** Subprotocols that are spoken; the first of them that a client offers is chosen. Default: none. */
  protocols?: readonly string[]
  /**
   * Compression of messages (RFC 7692). It costs memory for each connection, some 100 KiB while it works, and time; no context is kept
   * between messages, and what is inflated counts for all bounds. What was read of the socket is inflated to its end, though: 64 KiB
   * that are made for it become 64 MiB, whatever `maxQueued` says. `bytesPerSecond` closes before. Default false.
   */
  compress?: boolean
  /**
   * When the credentials end, in milliseconds since 1970: the connection is then closed with 1008. Default: `expiresAt` of
   * `ctx.state.principal`, where there is one.
   */
  expiresAt?: (ctx: Context<S>) => number | undefined
  /** Default: the machine's. */
  clock?: Clock
}

/** How clients' WebSockets are taken. */
export interface WebSocketOptions<S extends object = {}> extends ConnectionLimits, HandshakeOptions<S> {
  /** Takes a connection that has opened. What it throws closes it with 1011. */
  onConnection: (connection: WebSocketConnection<S>) => void | Promise<void>
}

const { boolean, clock, fn, list, milliseconds, number, oneOf, optional, token } = options

const bytes = number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' })
const rate = number({ min: 0.01, max: 1e12 })

/** What each limit must be. */
export const limitChecks: Checks<ConnectionLimits> = {
  maxMessageBytes: optional(bytes),
  maxConnections: optional(number({ min: 1, max: 10_000_000, integer: true })),
  messagesPerSecond: optional(rate),
  bytesPerSecond: optional(rate),
  burstSeconds: optional(number({ min: 0.1, max: 3_600, unit: 'seconds' })),
  overRateCode: optional(oneOf(1008, 1013)),
  maxQueued: optional(number({ min: 1, max: 10_000, integer: true })),
  maxBufferedBytes: optional(bytes),
  heartbeatMs: optional(milliseconds()),
  idleTimeoutMs: optional(milliseconds(0)),
  maxLifeMs: optional(milliseconds(0)),
}

/** What each option of the handshake must be. */
export const handshakeChecks: Checks<HandshakeOptions> = {
  origins: optional(originsCheck),
  protocols: optional(list(token('chat'), { max: 100 })),
  compress: optional(boolean),
  expiresAt: optional(fn<NonNullable<HandshakeOptions['expiresAt']>>('a function (ctx) => milliseconds')),
  clock: optional(clock),
}

/** What each option must be. */
export const webSocketChecks: Checks<WebSocketOptions> = {
  ...limitChecks,
  ...handshakeChecks,
  onConnection: fn<WebSocketOptions['onConnection']>('a function (connection) => …'),
}
