import {
  type Body,
  type Clock,
  type Context,
  Exchange,
  type Handler,
  type HeaderList,
  type IncomingRequest,
  type Reply,
  type Summary,
} from '@gatelet/core'

/** A plain request on behalf of a WebSocket, in an exchange of its own. */
export interface SubRequest {
  readonly reply: Promise<Reply>
  /** Nobody wants the answer any more. Harmless when it is over. */
  abort(): void
  /** Its answer was read to the end, or broke off. Exactly once. */
  finish(outcome: Summary['outcome'], status: number, error?: unknown): void
}

/** What is asked. */
export interface SubRequestInit {
  readonly method: 'GET' | 'POST'
  readonly headers: HeaderList
  readonly body?: Body
}

/** Asks a handler as if the client had sent a plain request to the same place. What it knows of the client stays. */
export function subRequest(ctx: Context, handler: Handler, init: SubRequestInit, clock: Clock): SubRequest {
  const { url, target, client } = ctx.request
  const { method, headers, body = null } = init
  const request: IncomingRequest = { method, url, target, headers, body, client, kind: 'request', protocol: '1.1' }
  const exchange = new Exchange({ inform() {} }, clock)
  const own = exchange.open(request).with(ctx.state)
  return {
    reply: (async () => handler(own))(),
    abort() {
      exchange.abort()
      exchange.finish(own, 'aborted', 499)
    },
    finish: (outcome, status, error) => exchange.finish(own, outcome, status, error),
  }
}

/** The fields of a handshake that a plain request has too. */
export function plainHeaders({ request }: Context): HeaderList {
  const headers = request.headers.clone()
  for (const [name] of request.headers) if (ofHandshake.test(name)) headers.delete(name)
  return headers
}

const ofHandshake =
  /^(?:connection|upgrade|http2-settings|sec-websocket-.*|accept|accept-encoding|content-.*|transfer-encoding|last-event-id)$/i
