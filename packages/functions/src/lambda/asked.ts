import { isUtf8 } from 'node:buffer'
import { randomUUID, type X509Certificate } from 'node:crypto'
import { type Context, clientCertificateOf, type IncomingRequest, isHopByHop, requestBytes } from '@gatelet/core'
import { tellsOfCertificate } from './client-certificate.ts'
import type { LambdaSettings } from './options.ts'

/** What events of all shapes are made of. */
export interface Asked {
  readonly request: IncomingRequest
  /** Names in lower case, without what speaks of the connection, and with what tells of the client. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Undefined where there is none. */
  readonly body: string | undefined
  readonly isBase64Encoded: boolean
  /** What the router found in the path. */
  readonly params: Readonly<Record<string, string>> | undefined
  /** By which the client has proved who it is. */
  readonly certificate: X509Certificate | undefined
  readonly requestId: string
  /** Wall-clock milliseconds. */
  readonly timeMs: number
  readonly authorizer: object | undefined
  readonly settings: LambdaSettings
}

/** Reads a request for an event. @throws GatewayError `BODY_TOO_LARGE` */
export async function askedOf(ctx: Context, settings: LambdaSettings): Promise<Asked> {
  const { request } = ctx
  const body = request.body === null ? undefined : await requestBytes(ctx, settings.maxRequestBytes)
  const { params } = ctx.state as { params?: Record<string, string> }
  return {
    request,
    fields: fieldsOf(request),
    ...bodyText(body, request),
    params: params && Object.keys(params).length > 0 ? { ...params } : undefined,
    certificate: clientCertificateOf(ctx),
    requestId: randomUUID(),
    timeMs: settings.clock.date(),
    authorizer: settings.authorizer(ctx),
    settings,
  }
}

function bodyText(body: Uint8Array | undefined, { headers }: IncomingRequest): Pick<Asked, 'body' | 'isBase64Encoded'> {
  if (!body || body.byteLength === 0) return { body: undefined, isBase64Encoded: false }
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const isText = !headers.has('content-encoding') && isTextual(headers.get('content-type')) && isUtf8(bytes)
  return { body: bytes.toString(isText ? 'utf8' : 'base64'), isBase64Encoded: !isText }
}

// Those that API Gateway and ALB tell as text, and whatever says that it is JSON or XML.
function isTextual(type: string | undefined): boolean {
  if (type === undefined) return false
  const essence = (type.split(';', 1)[0] as string).trim().toLowerCase()
  return essence.startsWith('text/') || textual.has(essence) || essence.endsWith('+json') || essence.endsWith('+xml')
}

const textual: ReadonlySet<string> = new Set([
  ...['application/json', 'application/javascript', 'application/xml', 'application/x-www-form-urlencoded'],
])

function fieldsOf(request: IncomingRequest): (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = []
  for (const [name, value] of request.headers) {
    const lower = name.toLowerCase()
    if (!isHopByHop(lower) && !isForwarded(lower) && !tellsOfCertificate(lower)) fields.push([lower, value])
  }
  const { client, headers, url } = request
  const before = client.viaTrustedProxy ? headers.get('x-forwarded-for') : undefined
  fields.push(['x-forwarded-for', before ? `${before}, ${client.peer}` : client.peer])
  fields.push(['x-forwarded-proto', url.scheme])
  fields.push(['x-forwarded-port', String(url.port ?? (url.scheme === 'https' ? 443 : 80))])
  return fields
}

// Whatever a client says there it says of itself. Functions read `_` and `.` as `-` at times.
const isForwarded = (lower: string): boolean => lower === 'forwarded' || /^x[-_.]forwarded(?:[-_.]|$)/.test(lower)

/** Each name once, several values joined by a comma; cookies as HTTP has them. */
export function joined(fields: Asked['fields']): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [name, value] of fields) {
    const known = Object.hasOwn(out, name) ? out[name] : undefined
    define(out, name, known === undefined ? value : `${known}${name === 'cookie' ? '; ' : ','}${value}`)
  }
  return out
}

/** Each name with the last of its values, and with all of them. */
export function both(pairs: Iterable<readonly [string, string]>): {
  last: Record<string, string>
  all: Record<string, string[]>
} {
  const last: Record<string, string> = {}
  const all: Record<string, string[]> = {}
  for (const [name, value] of pairs) {
    define(last, name, value)
    const known = Object.hasOwn(all, name) ? all[name] : undefined
    if (known) known.push(value)
    else define(all, name, [value])
  }
  return { last, all }
}

/** The parts of a query, decoded. */
export function queryOf({ url }: IncomingRequest): [string, string][] {
  return [...new URLSearchParams(url.search)]
}

// A plain assignment of `__proto__` would set the prototype, and lose the field.
function define<T>(to: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(to, name, { value, enumerable: true, configurable: true, writable: true })
}

/** As in an access log: `12/Mar/2020:19:03:58 +0000`. */
export function logTime(timeMs: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(timeMs).toUTCString()) ?? []
  return `${day}/${month}/${year}:${time} +0000`
}
