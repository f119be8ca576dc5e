import { type Body, type Context, GatewayError, type IncomingRequest, isHopByHop, type RequestUrl, sourceOf } from '@gatelet/core'
import { SourceStream } from './source-stream.ts'

/** What layers see, as a web `Request`. @throws GatewayError `METHOD_NOT_IMPLEMENTED`, `BAD_HOST` */
export function requestOf(ctx: Context): Request {
  const { request, signal } = ctx
  const { method } = request
  if (forbidden.test(method)) throw new GatewayError('METHOD_NOT_IMPLEMENTED')
  const url = hrefOf(request.url)
  if (!URL.canParse(url)) throw new GatewayError('BAD_HOST', { detail: 'The host is not one that a URL can have' })
  const body = method === 'GET' || method === 'HEAD' ? null : bodyInit(request.body)
  return new Request(url, { method, headers: headersOf(request, body !== null), body, signal, duplex: 'half' })
}

// Those of the fetch standard, §2.2.1, whatever their case.
const forbidden = /^(?:CONNECT|TRACE|TRACK)$/i

function hrefOf({ scheme, host, port, path, search }: RequestUrl): string {
  // An HTTP/1.0 client may have named no host.
  return `${scheme}://${host || 'localhost'}${port === undefined ? '' : `:${port}`}${path}${search}`
}

function headersOf({ headers }: IncomingRequest, hasBody: boolean): Headers {
  const out = new Headers()
  for (const [name, value] of headers) if (!isHopByHop(name)) out.append(name, value)
  if (!hasBody) out.delete('content-length')
  return out
}

function bodyInit(body: Body): Uint8Array | ReadableStream<Uint8Array> | null {
  if (body === null || body instanceof Uint8Array) return body
  if (typeof body === 'string') return Buffer.from(body)
  return new SourceStream(sourceOf(body), { isEager: false, finished: nothing, failed: nothing, cancelled: nothing }).stream
}

const nothing = () => {}
