import { type Check, type Checks, type Context, type Handler, options } from '@gatelet/core'
import { type ConnectionLimits, type HandshakeOptions, handshakeChecks, limitChecks } from '../connection/options.ts'
import type { ConnectionBus } from './bus.ts'
import type { Authorizer } from './event.ts'
import { selectionCheck } from './selection.ts'

/** Where the messages of a route go. */
export interface WebSocketRoute<S extends object = {}> {
  /** Answers: a proxy, a function, a database route. It is asked by POST, at the path and query of the handshake. */
  to: Handler<S>
  /**
   * What it is asked with. `event`: JSON, the event of a Lambda function behind an AWS WebSocket API. `message`: the message as it
   * came, with `X-Connection-Id` and `X-Route-Key`. Default `event`.
   */
  send?: 'event' | 'message'
  /** Whether the body of its reply goes back to the client as a message. Default false. */
  respond?: boolean
}

/** A WebSocket API whose routes are handlers. */
export interface WebSocketApiOptions<S extends object = {}> extends ConnectionLimits, HandshakeOptions<S> {
  /**
   * Routes by their keys, 1,000 at most. `$connect` is asked before the handshake ends, and refuses it by any status but 2xx; `$disconnect`
   * is told when a connection is over; `$default` takes the messages that no other route takes.
   */
  routes: Readonly<Record<string, Handler<S> | WebSocketRoute<S>>>
  /** What of a message, which is JSON then, names its route. Default `$request.body.action`. */
  routeSelectionExpression?: string
  /** What stands in each event as `authorizer`. Default: `principalId`, the subject of `ctx.state.principal`, where there is one. */
  authorizer?: (ctx: Context<S>) => Authorizer | undefined | Promise<Authorizer | undefined>
  /** How long a route may take, 50 to 29,000 milliseconds. Default 29,000. */
  routeTimeoutMs?: number
  /** Bytes of a route's reply that go back as one message, and of a message that is posted to a connection. Default 128 KiB. */
  maxReplyBytes?: number
  /** Messages for a connection that is about to open, 1 to 10,000. Default 16. */
  maxEarly?: number
  /** How other processes' connections are reached. Default: they are not. */
  bus?: ConnectionBus
  /** For the events. Default `$default`. */
  stage?: string
  /** For the events. Default `gatelet`. */
  apiId?: string
  /** For the events. Default: none. */
  stageVariables?: Readonly<Record<string, string>>
}

const { boolean, either, fn, number, oneOf, optional, record, shape, string, wrong } = options

/** What each option of a route must be. */
const webSocketRouteChecks: Checks<WebSocketRoute> = {
  to: fn<Handler>('a handler'),
  send: optional(oneOf('event', 'message')),
  respond: optional(boolean),
}

const route = either('a handler, or { to: handler, … }', fn<Handler>('a handler'), shape(webSocketRouteChecks))

const routes: Check<WebSocketApiOptions['routes']> = (value, path) => {
  const found = record<Handler | WebSocketRoute>(route)(value, path)
  const names = Object.keys(found)
  if (names.length === 0 || names.length > 1_000) throw wrong(value, path, 'an object with 1 to 1,000 routes')
  const strange = names.find((name) => name === '' || (name.startsWith('$') && !predefined.has(name)))
  if (strange !== undefined) throw wrong(strange, path, `routes whose $ names are ${[...predefined].join(', ')}`)
  return found
}

const predefined: ReadonlySet<string> = new Set(['$connect', '$disconnect', '$default'])

const bus: Check<ConnectionBus> = (value, path) => {
  const { serve, ask } = (value ?? {}) as Partial<ConnectionBus>
  if (typeof serve !== 'function' || typeof ask !== 'function') throw wrong(value, path, 'a bus, with serve and ask')
  return value as ConnectionBus
}

/** What each option must be. */
export const webSocketApiChecks: Checks<WebSocketApiOptions> = {
  ...limitChecks,
  ...handshakeChecks,
  routes,
  routeSelectionExpression: optional(selectionCheck),
  authorizer: optional(fn<NonNullable<WebSocketApiOptions['authorizer']>>('a function (ctx) => what is known')),
  routeTimeoutMs: optional(number({ min: 50, max: 29_000, unit: 'milliseconds' })),
  maxReplyBytes: optional(number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' })),
  maxEarly: optional(number({ min: 1, max: 10_000, integer: true })),
  bus: optional(bus),
  stage: optional(string),
  apiId: optional(string),
  stageVariables: optional(record(string)),
}
