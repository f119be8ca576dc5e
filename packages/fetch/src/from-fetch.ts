import {
  type Context,
  checkOptions,
  GatewayError,
  type Handler,
  HeaderList,
  isPromise,
  type MaybePromise,
  options,
  publish,
  type Reply,
} from '@gatelet/core'
import { isFraming } from './head.ts'
import { requestOf } from './web-request.ts'
import { WebSource } from './web-source.ts'

/**
 * A function of the web standard: a route handler of Next, the `fetch` of a Hono application or of a Worker. Hosts give more than
 * the request: what a Worker is bound to, and what keeps it alive.
 */
export type FetchFunction<Env = unknown> = (request: Request, env: Env, host: FetchHostContext) => MaybePromise<Response>

/** What Workers, Deno and Bun export by default. */
export interface FetchApp<Env = unknown> {
  fetch: FetchFunction<Env>
}

/** What Vercel and Next export: a function for each method. Other methods are answered 405, HEAD by `GET`, OPTIONS by 204. */
export type FetchMethods<Env = unknown> = { readonly [Method in FetchMethod]?: FetchFunction<Env> }

type FetchMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/** What a host does for a function, beside asking it. */
export interface FetchHostContext {
  /** Keeps the server from closing while `work` goes on. What it rejects with is told as `request:failed`. */
  waitUntil(work: Promise<unknown>): void
  /** Does nothing: behind a function here stands nobody else. */
  passThroughOnException(): void
  readonly props: Readonly<Record<string, unknown>>
}

/** What a function is given along with each request. */
export interface FromFetchOptions<Env = unknown> {
  /** What a Worker calls `env`: bindings, secrets. Default: undefined. */
  env?: Env
}

/**
 * Makes a function of the web standard into a handler: a backend in this process, or a whole application behind our layers.
 * Bodies stream both ways, the request's is not touched before the function reads it, and `request.signal` aborts when the
 * client leaves or the deadline passes.
 *
 * What a `Request` cannot carry is left out: the body of a GET or HEAD, and the fields that speak of the connection. A
 * response that `fetch` has decoded loses the `Content-Encoding` that it still names.
 * @throws GatewayError `BAD_OPTION` where `app` is none. When it is asked: `METHOD_NOT_IMPLEMENTED` and `BAD_HOST` for what a
 * `Request` refuses, `METHOD_NOT_ALLOWED`, `BAD_REPLY` where the function does not answer with a `Response`
 * @example chain().use(rateLimit({ limit: 100, per: '1m' })).to(fromFetch(app.fetch))
 * @example fromFetch(worker, { env: { GREETING: 'hello' } })
 */
export function fromFetch<Env = unknown>(
  app: FetchFunction<Env> | FetchApp<Env> | FetchMethods<Env>,
  given: FromFetchOptions<Env> = {},
): Handler {
  const { env } = checkOptions<FromFetchOptions>('fromFetch', given, { env: options.anything }) as { env: Env }
  const ask = functionOf(app)
  return function fetchFunction(ctx) {
    const answer = ask(requestOf(ctx), env, new HostContext(ctx))
    return isPromise(answer) ? answer.then((response) => replyOf(response, ctx)) : replyOf(answer, ctx)
  }
}

function functionOf<Env>(app: FetchFunction<Env> | FetchApp<Env> | FetchMethods<Env>): FetchFunction<Env> {
  if (typeof app === 'function') return app
  if (typeof (app as FetchApp<Env> | null)?.fetch === 'function') {
    return (request, env, host) => (app as FetchApp<Env>).fetch(request, env, host)
  }
  const known = methods.filter((name) => typeof (app as FetchMethods<Env> | null)?.[name] === 'function')
  if (known.length === 0)
    throw options.wrong(
      app,
      'app',
      'a function that takes a Request and answers with a Response, or an object with fetch or with GET, POST and the like',
    )
  return byMethod(app as FetchMethods<Env>, known)
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const satisfies readonly FetchMethod[]

function byMethod<Env>(app: FetchMethods<Env>, known: readonly FetchMethod[]): FetchFunction<Env> {
  const implied: FetchMethod[] = app.GET ? ['HEAD', 'OPTIONS'] : ['OPTIONS']
  const allow = methods.filter((name) => known.includes(name) || implied.includes(name)).join(', ')
  return (request, env, host) => {
    const method = request.method as FetchMethod
    const ask = known.includes(method) ? app[method] : method === 'HEAD' ? app.GET : undefined
    if (ask) return ask(request, env, host)
    if (method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } })
    throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow } })
  }
}

class HostContext implements FetchHostContext {
  readonly props = Object.freeze({})
  private readonly ctx: Context

  constructor(ctx: Context) {
    this.ctx = ctx
  }

  waitUntil(work: Promise<unknown>): void {
    const done = Promise.resolve(work).then(() => {})
    if (this.ctx.background(() => done)) return
    done.catch((error: unknown) => publish('request:failed', { context: this.ctx, error }))
  }

  passThroughOnException(): void {}
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
