import { type Check, type Checks, type Clock, type Context, type Handler, options } from '@gatelet/core'
import type { ReceivedEvent } from '../event-parser.ts'
import type { Frame } from '../frame.ts'

/** How server-sent events become messages of a WebSocket. */
export interface WebSocketFromSseOptions<S extends object = {}> {
  /** Answers with the events: a proxy, or any handler. It gets a GET for the path of the handshake. */
  from: Handler<S>
  /**
   * Takes the client's messages, each as a POST to the same path: text that is JSON as `application/json`, other text as
   * `text/plain`, bytes as `application/octet-stream`; with the `Stream-Token` that an event named `stream` has told, where there was
   * one. One after the other. Default: none does, and a client that sends is closed with 1003.
   */
  sendTo?: Handler<S>
  /** The message for an event; undefined for none. Default: JSON with `event`, `data` and `id`. */
  toMessage?: (event: ReceivedEvent) => Frame | undefined
  /** Where a client wants to go on. Default: its `Last-Event-ID`, or `lastEventId` in the query, since pages can set no fields. */
  lastEventId?: (ctx: Context<S>) => string | undefined
  /** Whether the events are asked for again, from the last on, when they end or break off. Default true. */
  resume?: boolean
  /** Milliseconds before they are asked for again, half of it by chance; `retry` of the events says otherwise, 100 to a day. Default 2,000. */
  retryMs?: number
  /** How often running that may fail, 1 to 1,000; then the client is closed with 1014. Default 5. */
  maxFailures?: number
  /**
   * Milliseconds without a byte, comments among them, after which the events count as broken off; 0: never. Default 0: a proxy has a
   * limit of its own, `bodyIdleMs`.
   */
  silenceMs?: number
  /** Pages that may connect, as `Origin` says it: `https://shop.example`. Default: those of the same host. What is no page may. */
  origins?: readonly string[] | 'any'
  /** Subprotocols that are spoken. Default: none. */
  protocols?: readonly string[]
  /**
   * When the credentials end, in milliseconds since 1970: the client is then closed with 1008. Default: `expiresAt` of
   * `ctx.state.principal`, where there is one.
   */
  expiresAt?: (ctx: Context<S>) => number | undefined
  /** A ping after so many milliseconds; a client that gives no sign of life until the next is let go. Default 30,000. */
  heartbeatMs?: number
  /** Bytes of one message of the client (beyond: 1009), and of one event (beyond: 1011). Default 1 MiB. */
  maxMessageBytes?: number
  /** Bytes that wait for a client which does not keep up, beyond which no more events are read. Default 256 KiB. */
  maxBufferedBytes?: number
  /** Messages of a client that wait to be taken, 1 to 10,000, beyond which no more are read. Default 16. */
  maxQueued?: number
  /** Default: the machine's. */
  clock?: Clock
}

const { boolean, clock, either, fn, list, milliseconds, number, oneOf, optional, token, wrong } = options

const bytes = optional(number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' }))

const origin: Check<string> = (value, path) => {
  if (typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value) return value
  throw wrong(value, path, 'an origin such as https://shop.example')
}

/** Which pages may connect. */
export const originsCheck: Check<readonly string[] | 'any'> = either(
  "'any' or a list of origins such as https://shop.example",
  oneOf('any'),
  list(origin),
)

/** What each option must be. */
export const webSocketFromSseChecks: Checks<WebSocketFromSseOptions> = {
  from: fn<Handler>('a handler'),
  sendTo: optional(fn<Handler>('a handler')),
  toMessage: optional(fn<NonNullable<WebSocketFromSseOptions['toMessage']>>('a function (event) => message')),
  lastEventId: optional(fn<NonNullable<WebSocketFromSseOptions['lastEventId']>>('a function (ctx) => id')),
  resume: optional(boolean),
  retryMs: optional(milliseconds(0)),
  maxFailures: optional(number({ min: 1, max: 1_000, integer: true })),
  silenceMs: optional(milliseconds(0)),
  origins: optional(originsCheck),
  protocols: optional(list(token('events'), { max: 100 })),
  expiresAt: optional(fn<NonNullable<WebSocketFromSseOptions['expiresAt']>>('a function (ctx) => milliseconds')),
  heartbeatMs: optional(milliseconds()),
  maxMessageBytes: bytes,
  maxBufferedBytes: bytes,
  maxQueued: optional(number({ min: 1, max: 10_000, integer: true })),
  clock: optional(clock),
}
