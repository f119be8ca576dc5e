import {
  type Checks,
  type Clock,
  type Context,
  type MaybePromise,
  options,
  type ServerEvent,
  type UpstreamTlsOptions,
  upstreamTlsChecks,
} from '@gatelet/core'
import type { Checked } from '../calls/options.ts'
import type { Frame } from '../frame.ts'
import { type SocketEndpoints, socketEndpoints } from '../upstream/endpoints.ts'

/** How messages of a WebSocket become server-sent events. */
export interface SseFromWebSocketOptions<S extends object = {}> {
  /** The servers: a `ws:` or `wss:` URL, several, or a balancer. Each client gets a connection of its own. */
  endpoints: SocketEndpoints
  /** Path and query of the handshake, behind the endpoint's own path. Default: those of the request. */
  path?: (ctx: Context<S>) => string
  /**
   * Fields of the handshake. Default: `authorization`, `cookie`, `origin`, `user-agent`, `accept-language`, `x-request-id`,
   * `traceparent` and `tracestate` of the request, its `Last-Event-ID`, and the client's address as `x-forwarded-for`.
   */
  headers?: (ctx: Context<S>) => Readonly<Record<string, string>>
  /** Subprotocols to offer. */
  protocols?: readonly string[]
  /** How TLS is spoken with `wss` servers; as the proxy's `tls`. */
  tls?: UpstreamTlsOptions
  /**
   * What to send when the connection is open: how the server is asked for what the client wants, and from where on.
   * @param lastEventId of the last event that the client has; undefined when it begins
   */
  subscribe?: (ctx: Context<S>, lastEventId: string | undefined) => Frame | readonly Frame[] | undefined
  /**
   * The events that a message is; undefined for none. Give them an `id` where the server can go on from there. Default: one with
   * the text as `data`; for bytes, one named `binary` with base64.
   */
  toEvents?: (frame: Frame) => ServerEvent | readonly ServerEvent[] | undefined
  /** Whether there will be no more for this client: it gets 204, and does not connect again. Default: never. */
  isFinished?: (ctx: Context<S>, lastEventId: string | undefined) => MaybePromise<boolean>
  /** Lets the client send messages: by POST to the same path, with the token that its stream has told. Default: it cannot. */
  sending?: SendingOptions<S>
  /**
   * When the credentials end, in milliseconds since 1970: the stream ends, and the client that comes back is asked for new ones.
   * Default: `expiresAt` of `ctx.state.principal`, where there is one.
   */
  expiresAt?: (ctx: Context<S>) => number | undefined
  /** A comment after so many milliseconds of silence. Default 15,000. */
  heartbeatMs?: number
  /** Milliseconds that clients wait before they connect again. Default: their own; 2,000 to 4,000 when the server is lost. */
  retryMs?: number
  /** Milliseconds to open a connection. Default 5,000. */
  connectMs?: number
  /** Bytes of one message, either way. A larger one from the server ends the stream; of the client, it is 413. Default 1 MiB. */
  maxMessageBytes?: number
  /** Bytes that wait to be sent to the server, beyond which a client's message gets 503. Default 1 MiB. */
  maxBufferedBytes?: number
  /** Streams that are open at the same time, 1 to 1,000,000; beyond, 503. Default 10,000. */
  maxStreams?: number
  /** Default: the machine's. */
  clock?: Clock
}

/** How the clients of a stream send. */
export interface SendingOptions<S extends object = {}> {
  /** Milliseconds that a token is good for; a new one is told at half of it. Default 900,000. */
  tokenMs?: number
  /**
   * Who asks, for example the principal's subject: a token is good only for the one who opened the stream. Default: for whoever
   * has it.
   */
  owner?: (ctx: Context<S>) => string
}

const { clock, fn, list, milliseconds, number, optional, shape, token } = options

const bytes = optional(number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' }))

type Given<K extends keyof SseFromWebSocketOptions> = NonNullable<SseFromWebSocketOptions[K]>

/** What each option must be. */
export const sseFromWebSocketChecks: Checks<Checked<SseFromWebSocketOptions>> = {
  endpoints: socketEndpoints,
  path: optional(fn<Given<'path'>>('a function (ctx) => path')),
  headers: optional(fn<Given<'headers'>>('a function (ctx) => fields')),
  protocols: optional(list(token('graphql-ws'), { max: 100 })),
  tls: optional(upstreamTlsChecks),
  subscribe: optional(fn<Given<'subscribe'>>('a function (ctx, lastEventId) => messages')),
  toEvents: optional(fn<Given<'toEvents'>>('a function (message) => events')),
  isFinished: optional(fn<Given<'isFinished'>>('a function (ctx, lastEventId) => boolean')),
  sending: optional(
    shape<SendingOptions>({
      tokenMs: optional(milliseconds(10)),
      owner: optional(fn<NonNullable<SendingOptions['owner']>>('a function (ctx) => string')),
    }),
  ),
  expiresAt: optional(fn<Given<'expiresAt'>>('a function (ctx) => milliseconds')),
  heartbeatMs: optional(milliseconds()),
  retryMs: optional(number({ min: 0, max: 86_400_000, integer: true, unit: 'milliseconds' })),
  connectMs: optional(milliseconds()),
  maxMessageBytes: bytes,
  maxBufferedBytes: bytes,
  maxStreams: optional(number({ min: 1, max: 1_000_000, integer: true })),
  clock: optional(clock),
}
