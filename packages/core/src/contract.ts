import type { Duplex } from 'node:stream'
import type { Body } from './body.ts'
import type { HeaderList, ReadonlyHeaders } from './headers.ts'

/** A value, or a promise of it. What has nothing to wait for is returned as it is, without a promise. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Where a request is going, in its one canonical form (RFC 3986 §6). Router, auth, cache key, limiter and proxy all
 * read this, and it is what the upstream sees.
 */
export interface RequestUrl {
  readonly scheme: 'http' | 'https'
  /** Lower case, without port, without a trailing dot; IPv6 in brackets. Empty when an HTTP/1.0 client sent no `Host`. */
  readonly host: string
  /** Undefined when it is the default port of the scheme. */
  readonly port: number | undefined
  /** Canonical path, always starting with `/`. Percent-encoded: split it before you decode a segment. */
  readonly path: string
  /** The query, byte for byte as it came, with its `?`; empty when there is none. `path + search` is what is forwarded. */
  readonly search: string
}

/** Who is calling, as far as it can be believed. */
export interface Client {
  /** Canonical text of the address: IPv4-mapped IPv6 folded to IPv4, zone stripped. */
  readonly address: string
  /** The address at the other end of the socket: the client itself, or the last proxy before us. */
  readonly peer: string
  /** True when the peer is a trusted proxy, so that what it says in `X-Forwarded-*` may be passed on. */
  readonly viaTrustedProxy: boolean
}

/** One request as a layer sees it. Never changed in place: `ctx.withRequest` makes another. */
export interface IncomingRequest {
  readonly method: string
  readonly url: RequestUrl
  /** The request target byte for byte as it came, for signatures. Never route on it. */
  readonly target: string
  readonly headers: ReadonlyHeaders
  /** Null when there is none. It can be read once; who asks twice buffers it first. */
  readonly body: Body
  readonly client: Client
  /** `upgrade` for a WebSocket handshake: it takes the same way, so auth, limits and routes hold for it too. */
  readonly kind: 'request' | 'upgrade'
  /** The HTTP version the client speaks. */
  readonly protocol: '1.0' | '1.1' | '2'
}

/** What `ctx.withRequest` may change. What is left out stays. */
export interface RequestChange {
  method?: string
  /** A new path is canonicalised again and a new search looked at; one that cannot be sent throws `BAD_TARGET`. */
  url?: Partial<RequestUrl>
  /** The whole list: `headers: ctx.request.headers.clone().set('x-tenant', 'a')`. */
  headers?: ReadonlyHeaders
  /** Drops the framing headers of the old body (length, coding, `Expect`) unless `headers` is given too. */
  body?: Body
}

/** How an exchange ended, told by the socket side. */
export interface Summary {
  /** `finished`: the whole reply went out. `failed`: we broke it off. `aborted`: the client left first. */
  readonly outcome: 'finished' | 'failed' | 'aborted'
  /** The status that was sent; 499 when the client left before one was; 101 for an upgrade; 0 for work in the background. */
  readonly status: number
  /** Milliseconds from the request's head to the end of the exchange. */
  readonly durationMs: number
  /** Why, when it did not finish. */
  readonly error?: unknown
  /** Bytes of the request's body that were read. Undefined where that is not known: a framework's parser has read it. */
  readonly receivedBytes?: number | undefined
  /** Bytes of the reply's body that were written. Undefined where a framework wrote a body whose length it did not say. */
  readonly sentBytes?: number | undefined
}

/** One request on its way, with what the layers learned about it. */
export interface Context<S extends object = {}> {
  readonly request: IncomingRequest
  /** What earlier layers learned, typed. One key, one owner; only the router merges `params`. */
  readonly state: Readonly<S>
  /** Aborts when the client left or the deadline passed. Made on first use (it costs 4 µs): prefer `onAbort`. */
  readonly signal: AbortSignal
  /** When an answer is no longer wanted, in monotonic milliseconds (`Clock.now()`). Handed on to the upstream. */
  readonly deadline?: number | undefined
  /** The same exchange, knowing more. */
  with<A extends object>(more: A): Context<S & A>
  /** The same exchange, asking something else. @throws GatewayError `CHANGE_REFUSED` for what is no path or no query */
  withRequest(change: RequestChange): Context<S>
  /** The same exchange with a narrower life, for example the timeout of one attempt. */
  withSignal(signal: AbortSignal): Context<S>
  /** The same exchange, to be over at `deadline` (monotonic milliseconds) at the latest; a later one than now holds changes nothing. */
  withDeadline(deadline: number): Context<S>
  /**
   * Work that goes on after the reply, in an exchange of its own: own signal, no request body, counted by `close()`.
   * @param inform gets the interim answers that come meanwhile, for a client that waits for this work; default: nobody does
   * @returns false, and does nothing, where what follows can be asked once only (in front of a framework's handlers)
   */
  background(work: (ctx: Context<S>) => Promise<void>, inform?: Context['inform']): boolean
  /** Sends an interim answer (RFC 8297 for 103). Ignored where the client's protocol has none. */
  inform(status: 102 | 103, headers: HeaderList): void
  /** Calls `listener` once when the client leaves or the deadline passes. Makes no signal. @returns its undo */
  onAbort(listener: () => void): () => void
  /** Calls `listener` exactly once, when the socket side is done with the exchange. @returns its undo */
  onFinish(listener: (summary: Summary) => void): () => void
}

/** What comes back: a plain value, until an adapter writes it to the socket. Change it, do not spread it. */
export interface Reply {
  status: number
  headers: HeaderList
  /** Who drops a reply calls `discard(reply.body)`. */
  body: Body
  /** Takes over the socket of an upgrade request. Writes the 101 itself, with `headers` (see `switchProtocols`). */
  upgrade?: (socket: Duplex, head: Buffer, headers: HeaderList) => void
}

/** Answers a request. A proxy, a router, a database route: all are handlers. */
export type Handler<S extends object = {}> = (ctx: Context<S>) => MaybePromise<Reply>

// Phantom: exists in types only. It makes the order of layers a matter of types.
declare const needs: unique symbol

/**
 * Stands in front of a handler: changes the request, the reply, or answers itself. A handler is a layer that never
 * calls `next`. `Needs` is the state it reads, `Adds` the state it promises to hand to `next`.
 *
 * Who adds state says so, here or by `use<A>`: TypeScript cannot infer it from the body of an inline arrow function.
 */
export type Middleware<Needs extends object = {}, Adds extends object = {}> = (<S extends Needs>(
  ctx: Context<S>,
  next: Handler<S & Adds>,
) => MaybePromise<Reply>) & {
  readonly [needs]?: ((have: Needs) => Adds) | undefined
}
