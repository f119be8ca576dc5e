import { bytesOf, type Clock, type Context, GatewayError, type Handler, type HeaderList } from '@gatelet/core'
import type { Frame } from '../translate/frame.ts'
import { plainHeaders, type SubRequest, subRequest } from '../translate/front/sub-request.ts'
import type { WebSocketEvent } from './event.ts'
import type { WebSocketRoute } from './options.ts'

/** A route's reply, read to its end. */
export interface RouteReply {
  readonly status: number
  readonly headers: HeaderList
  readonly bytes: Uint8Array
}

/** Bounds on the answer of a route. */
export interface RouteLimits {
  readonly routeTimeoutMs: number
  readonly maxReplyBytes: number
  readonly clock: Clock
}

/** A route whose options have their defaults. */
export type RouteTarget = Required<WebSocketRoute>

export function targetOf(route: Handler | WebSocketRoute): RouteTarget {
  const given: WebSocketRoute = typeof route === 'function' ? { to: route } : route
  return { send: 'event', respond: false, ...given }
}

/**
 * Asks a route about an event.
 * @param message what goes to a route that wants the message as it came
 * @throws GatewayError `DEADLINE_EXCEEDED`, `RESPONSE_TOO_LARGE`; what the handler throws
 */
export function askRoute(
  ctx: Context,
  { to, send }: RouteTarget,
  event: WebSocketEvent,
  message: Frame,
  limits: RouteLimits,
): Promise<RouteReply> {
  const { connectionId, routeKey } = event.requestContext
  const body = send === 'event' ? JSON.stringify(event) : message
  const type = send === 'event' ? 'application/json' : typeOf(message)
  const headers = plainHeaders(ctx).set('content-type', type).set('x-connection-id', connectionId)
  headers.set('x-route-key', encodeURIComponent(routeKey).replaceAll('%24', '$'))
  return inTime(subRequest(ctx, to, { method: 'POST', headers, body }, limits.clock), limits)
}

const typeOf = (message: Frame) => (typeof message === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream')

function inTime(asked: SubRequest, { routeTimeoutMs, maxReplyBytes, clock }: RouteLimits): Promise<RouteReply> {
  return new Promise((resolve, reject) => {
    const stop = clock.setTimer(() => {
      asked.abort()
      reject(new GatewayError('DEADLINE_EXCEEDED'))
    }, routeTimeoutMs)
    read(asked, maxReplyBytes).then(resolve, reject).finally(stop)
  })
}

async function read(asked: SubRequest, maxBytes: number): Promise<RouteReply> {
  try {
    const { status, headers, body } = await asked.reply
    const bytes = await bytesOf(body, maxBytes).catch(asReply)
    asked.finish('finished', status)
    return { status, headers, bytes }
  } catch (error) {
    asked.finish('failed', error instanceof GatewayError ? error.status : 500, error)
    throw error
  }
}

// To the client, a body that is too large would be its own.
function asReply(error: unknown): never {
  const isTooLarge = error instanceof GatewayError && error.code === 'BODY_TOO_LARGE'
  throw isTooLarge ? new GatewayError('RESPONSE_TOO_LARGE') : error
}

/** A reply's body as a message: text where it is UTF-8 and does not say that it is bytes. */
export function messageOf({ headers, bytes }: RouteReply): Frame {
  const type = headers.get('content-type') ?? ''
  return /^(?:application\/octet-stream|image\/|audio\/|video\/)/i.test(type) ? bytes : textOrBytes(bytes)
}

/** Text where it is UTF-8. */
export function textOrBytes(bytes: Uint8Array): Frame {
  try {
    return utf8.decode(bytes)
  } catch {
    return bytes
  }
}

// A byte order mark is part of the message.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
