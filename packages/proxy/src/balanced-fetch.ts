import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import {
  type Balancer,
  type Body,
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  discard,
  Exchange,
  HeaderList,
  type IncomingRequest,
  options,
  type Reply,
  sourceOf,
  systemClock,
} from '@gatelet/core'
import { type ProxyOptions, proxyChecks } from './options.ts'
import { proxy } from './proxy.ts'
import { ResponseStream } from './response-stream.ts'

/** How outgoing requests are sent. What stands in `ProxyOptions` too means the same here. */
export interface BalancedFetchOptions extends Omit<ProxyOptions, 'forwarded' | 'via' | 'rewriteLocation' | 'cookies'> {
  /**
   * How long the body of a response may wait to be read, in milliseconds; then it is dropped, so that an answer which nobody
   * reads does not hold its connection for ever. Default 30,000.
   */
  unreadMs?: number
}

/** A `fetch` whose server is found by a balancer. */
export interface BalancedFetch {
  /**
   * @param input a path such as `/users/7?full=1`, or a URL, of which path and query count
   * @throws GatewayError (as a rejection) where there is no answer, with `proxy`'s codes; the reason of the signal; TypeError for
   * what is no request
   */
  (input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Closes the connections when they are not in use any more. Not the balancer. */
  close(): Promise<void>
}

/**
 * A `fetch` for the application's own calls: it shares health, load and limits with every proxy of the same balancer, and asks
 * another endpoint by the same rules. Unlike `fetch` it follows no redirect, keeps no cookies and undoes no compression: what
 * comes is what the server sent. The lease lasts to the end of the response's body: read it, or cancel it.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const users = balancedFetch(createBalancer({ endpoints: ['http://10.0.0.1:4001', 'http://10.0.0.2:4001'] }))
 * const user = await (await users('/users/7', { signal: AbortSignal.timeout(1_000) })).json()
 */
export function balancedFetch(balancer: Balancer, given: BalancedFetchOptions = {}): BalancedFetch {
  const { unreadMs = 30_000, ...how } = checkOptions('balancedFetch', given, checks)
  // What tells an upstream of a client and its way is of no use where we are the client.
  const forward = proxy(balancer, { ...how, forwarded: 'none', via: false, rewriteLocation: false })
  const clock = how.clock ?? systemClock
  const send = async (input: string | URL | Request, init?: RequestInit) => {
    const call = new OutgoingCall(requestOf(input, init), init, clock, unreadMs)
    return call.response(forward)
  }
  return Object.assign(send, { close: () => forward.close() })
}

// Never asked for: only what is behind the host counts.
const BASE = 'http://balanced.invalid'

function requestOf(input: string | URL | Request, init: RequestInit | undefined): Request {
  const target = input instanceof Request ? input : new URL(input, BASE)
  // A stream can only be sent so, and asks for it by name.
  return new Request(target, { ...init, ...(isStream(init?.body) ? { duplex: 'half' } : {}) } as RequestInit)
}

/** One request and its response. */
class OutgoingCall {
  private readonly exchange: Exchange
  private readonly ctx: Context
  private readonly signal: AbortSignal
  private readonly clock: Clock
  private readonly unreadMs: number

  constructor(request: Request, init: RequestInit | undefined, clock: Clock, unreadMs: number) {
    this.exchange = new Exchange({ isOwn: true, inform() {} }, clock)
    this.ctx = this.exchange.open(incoming(request, init))
    this.signal = request.signal
    this.clock = clock
    this.unreadMs = unreadMs
  }

  async response(forward: (ctx: Context) => Reply | Promise<Reply>): Promise<Response> {
    this.signal.throwIfAborted()
    this.signal.addEventListener('abort', this.abort)
    try {
      return this.fromReply(await forward(this.ctx))
    } catch (error) {
      this.finish('failed', error)
      throw this.meaningOf(error)
    }
  }

  private fromReply({ status, headers, body }: Reply): Response {
    const init = { status, headers: [...headers] as [string, string][] }
    if (body === null) return this.whole(null, init)
    // The only status that `Response` wants no body for and HTTP frames one (RFC 9110 §15.3.6): there is nothing in it.
    if (status === 205) {
      discard(body)
      return this.whole(null, init)
    }
    const source = sourceOf(body)
    const bytes = source.take()
    if (bytes !== undefined) return this.whole(bytes, init)
    const stream = new ResponseStream(source, {
      clock: this.clock,
      unreadMs: this.unreadMs,
      meaningOf: (error) => this.meaningOf(error),
      over: (error) => this.finish(error === undefined ? 'finished' : 'failed', error),
    })
    return new Response(stream.stream, init)
  }

  private whole(bytes: Uint8Array | null, init: ResponseInit): Response {
    this.finish('finished')
    return new Response(bytes as Uint8Array<ArrayBuffer> | null, init)
  }

  private finish(outcome: 'finished' | 'failed', error?: unknown): void {
    this.signal.removeEventListener('abort', this.abort)
    // No request of a client: it has no status of its own, like work in the background.
    this.exchange.finish(this.ctx, outcome, 0, error)
  }

  private readonly abort = (): void => this.exchange.abort()

  /** Who aborts gets their own reason back, as with `fetch`. */
  private meaningOf(error: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : error
  }
}

function incoming(request: Request, init: RequestInit | undefined): IncomingRequest {
  const { pathname: path, search, hostname: host } = new URL(request.url)
  const headers = HeaderList.fromRaw([...request.headers].flat())
  return {
    method: request.method,
    url: { scheme: 'http', host, port: undefined, path, search },
    target: path + search,
    headers,
    body: bodyOf(request, init),
    client: { address: '', peer: '', viaTrustedProxy: false },
    kind: 'request',
    protocol: '1.1',
  }
}

/** Bytes where there are some, so that they can be sent again; else a stream. */
function bodyOf(request: Request, init: RequestInit | undefined): Body {
  if (request.body === null) return null
  const given = init?.body
  if (typeof given === 'string') return given
  if (given instanceof URLSearchParams) return String(given)
  if (given instanceof Uint8Array) return given
  if (given instanceof ArrayBuffer) return new Uint8Array(given)
  return Readable.fromWeb(request.body as WebStream)
}

const isStream = (body: unknown): boolean =>
  body instanceof ReadableStream || (typeof body === 'object' && body !== null && Symbol.asyncIterator in body)

const { forwarded, via, rewriteLocation, cookies, ...shared } = proxyChecks

const checks: Checks<BalancedFetchOptions> = {
  ...shared,
  unreadMs: options.optional(options.milliseconds()),
}
