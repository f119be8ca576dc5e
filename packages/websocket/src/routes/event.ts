import type { IncomingRequest, ReadonlyHeaders } from '@gatelet/core'
import type { Closed } from '../connection/close-codes.ts'
import type { Frame } from '../translate/frame.ts'

/** What an authoriser knows of a client: it stands in every event of the connection. */
export type Authorizer = Readonly<Record<string, unknown>>

/** What of the connection stands in every event, in the words of the AWS WebSocket API. */
export interface WebSocketRequestContext {
  routeKey: string
  eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'
  messageDirection: 'IN'
  connectionId: string
  /** Milliseconds since 1970. */
  connectedAt: number
  requestId: string
  extendedRequestId: string
  /** As in the logs of Apache: `24/Nov/2026:20:00:00 +0000`. */
  requestTime: string
  requestTimeEpoch: number
  stage: string
  domainName: string
  apiId: string
  identity: { sourceIp: string; userAgent?: string }
  authorizer?: Authorizer
  messageId?: string
  disconnectStatusCode?: number
  disconnectReason?: string
}

/** What a route is asked with: the event of a Lambda function behind a WebSocket API. */
export interface WebSocketEvent {
  requestContext: WebSocketRequestContext
  isBase64Encoded: boolean
  /** The message; bytes in base64. */
  body?: string
  /** With `$connect` and `$disconnect`; the last of each name. */
  headers?: Record<string, string>
  multiValueHeaders?: Record<string, string[]>
  queryStringParameters?: Record<string, string>
  multiValueQueryStringParameters?: Record<string, string[]>
  stageVariables?: Record<string, string>
}

/** What is the same in all events of one connection. */
export interface Origin {
  readonly request: IncomingRequest
  readonly connectionId: string
  readonly connectedAt: number
  readonly authorizer: Authorizer | undefined
  readonly stage: string
  readonly apiId: string
  readonly stageVariables: Readonly<Record<string, string>> | undefined
}

/** Of one event. */
export interface Moment {
  readonly routeKey: string
  readonly requestId: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export function connectEvent(origin: Origin, moment: Moment): WebSocketEvent {
  const query = new URLSearchParams(origin.request.url.search)
  const event = eventOf(origin, moment, 'CONNECT')
  Object.assign(event, fieldsOf(origin.request.headers))
  if (query.size > 0) {
    event.queryStringParameters = record(query)
    event.multiValueQueryStringParameters = record([...new Set(query.keys())].map((name) => [name, query.getAll(name)] as const))
  }
  return event
}

export function messageEvent(origin: Origin, moment: Moment, message: Frame): WebSocketEvent {
  const event = eventOf(origin, moment, 'MESSAGE')
  event.requestContext.messageId = moment.requestId
  event.isBase64Encoded = typeof message !== 'string'
  event.body = typeof message === 'string' ? message : Buffer.from(message).toString('base64')
  return event
}

export function disconnectEvent(origin: Origin, moment: Moment, { code, reason }: Closed): WebSocketEvent {
  const event = eventOf(origin, moment, 'DISCONNECT')
  event.requestContext.disconnectStatusCode = code
  event.requestContext.disconnectReason = reason
  return Object.assign(event, fieldsOf(origin.request.headers))
}

function eventOf(
  origin: Origin,
  { routeKey, requestId, at }: Moment,
  eventType: WebSocketRequestContext['eventType'],
): WebSocketEvent {
  const { request, connectionId, connectedAt, authorizer, stage, apiId, stageVariables } = origin
  const requestContext: WebSocketRequestContext = {
    routeKey,
    eventType,
    messageDirection: 'IN',
    connectionId,
    connectedAt,
    requestId,
    extendedRequestId: requestId,
    requestTime: logTime(at),
    requestTimeEpoch: at,
    stage,
    domainName: request.url.host,
    apiId,
    identity: identityOf(request),
    ...(authorizer && { authorizer }),
  }
  return { requestContext, isBase64Encoded: false, ...(stageVariables && { stageVariables: { ...stageVariables } }) }
}

/** Who is at the other end. */
export function identityOf({ client, headers }: IncomingRequest): { sourceIp: string; userAgent?: string } {
  const userAgent = headers.get('user-agent')
  return { sourceIp: client.address, ...(userAgent !== undefined && { userAgent }) }
}

function fieldsOf(headers: ReadonlyHeaders): Pick<WebSocketEvent, 'headers' | 'multiValueHeaders'> {
  const names = [...new Map(Array.from(headers, ([name]) => [name.toLowerCase(), name])).values()]
  return {
    headers: record(headers),
    multiValueHeaders: record(names.map((name) => [name, headers.getAll(name)] as const)),
  }
}

// Not a plain object's assignment: a client may call a field `__proto__`.
const record = <T>(entries: Iterable<readonly [string, T]>): Record<string, T> => Object.fromEntries(entries)

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function logTime(at: number): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
}
