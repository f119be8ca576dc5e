import {
  type Context,
  GatewayError,
  type Handler,
  HeaderList,
  isPromise,
  type MaybePromise,
  options,
  type Reply,
} from '@gatelet/core'
import { isFraming } from './head.ts'
import { requestOf } from './web-request.ts'
import { WebSource } from './web-source.ts'

/** A function of the web standard: a route handler of Next, the `fetch` of a Hono application, a Worker's. */
export type FetchFunction = (request: Request) => MaybePromise<Response>

/**
 * Makes a function of the web standard into a handler: a backend in this process, or a whole application behind our layers.
 * Bodies stream both ways, the request's is not touched before the function reads it, and `request.signal` aborts when the
 * client leaves or the deadline passes.
 *
 * What a `Request` cannot carry is left out: the body of a GET or HEAD, and the fields that speak of the connection. A
 * response that `fetch` has decoded loses the `Content-Encoding` that it still names.
 * @throws GatewayError `BAD_OPTION` where `fn` is no function. When it is asked: `METHOD_NOT_IMPLEMENTED` and `BAD_HOST` for
 * what a `Request` refuses, `BAD_REPLY` where the function does not answer with a `Response`
 * @example chain().use(rateLimit({ limit: 100, per: '1m' })).to(fromFetch(app.fetch))
 */
export function fromFetch(fn: FetchFunction): Handler {
  const ask = options.fn<FetchFunction>('a function that takes a Request and answers with a Response')(fn, 'fn')
  return function fetchFunction(ctx) {
    const answer = ask(requestOf(ctx))
    return isPromise(answer) ? answer.then((response) => replyOf(response, ctx)) : replyOf(answer, ctx)
  }
}

function replyOf(response: Response, ctx: Context): Reply {
  // By its shape: hosts and test tools bring classes of their own.
  if (typeof response?.status !== 'number' || typeof response.headers?.get !== 'function') {
    throw new GatewayError('BAD_REPLY', { message: 'a fetch function answered without a Response' })
  }
  const { status, body } = response
  return { status, headers: headersOf(response, ctx.request.method), body: body && new WebSource(body, replyStream) }
}

const replyStream = { failureOf: (cause: unknown) => new GatewayError('INTERNAL', { cause }), isCancelled: true }

function headersOf(response: Response, method: string): HeaderList {
  const raw: string[] = []
  for (const [name, value] of response.headers) if (!isFraming(name)) raw.push(name, value)
  const headers = HeaderList.fromRaw(raw)
  if (method !== 'HEAD' && isDecoded(response)) {
    headers.delete('content-encoding')
    headers.delete('content-length')
  }
  return headers
}

// What comes from `fetch` (only that has a URL) is decoded, while its fields still describe what was sent: passed on as they
// are, no client could read it.
function isDecoded({ url, body, headers }: Response): boolean {
  const codings = headers.get('content-encoding')
  if (!url || !body || codings === null) return false
  return codings.split(',').every((coding) => decodable.test(coding.trim()))
}

const decodable = /^(?:(?:x-)?gzip|deflate|br)$/i
