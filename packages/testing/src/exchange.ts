import {
  type Chain,
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  Exchange,
  GatewayError,
  type Handler,
  type HeaderList,
  handlerOf,
  type Layer,
  type MaybePromise,
  options,
  type Reply,
  run,
  type Summary,
} from '@gatelet/core'
import { type Answer, answerOf } from './answer.ts'
import { TestClient } from './client.ts'
import { incomingRequest, type RequestLike } from './request.ts'

/** What surrounds a request in the same process. */
export interface ExchangeOptions<S extends object = {}> {
  /** Default: the machine's. */
  clock?: Clock
  /** What earlier layers would have learned. */
  state?: S
}

/** What reads a state of type `S`: a handler, a layer, or a chain that stands inside another. */
export type LayerOver<S extends object> = ((ctx: Context<S>, next: Handler<S>) => MaybePromise<Reply>) | Chain<object, S>

/** What an adapter and a client do to an exchange, and what they see of it. */
export interface SocketSide {
  /**
   * The client leaves: the handler is told, a reply's stream is cancelled and the exchange finishes as aborted. With
   * another reason (`new GatewayError('DEADLINE_EXCEEDED')`) the handler is told and may still answer.
   */
  abort(reason?: GatewayError): void
  /** The socket side is done. Only the first call counts. @param status default: 200 */
  finish(outcome?: Summary['outcome'], status?: number, error?: unknown): void
  /** How it ended; undefined while it is open. */
  readonly summary: Summary | undefined
  /** Interim answers, in their order. */
  readonly informed: readonly { readonly status: 102 | 103; readonly headers: HeaderList }[]
  /** Work that goes on after the reply: `await Promise.all(background)`. */
  readonly background: readonly Promise<void>[]
}

/** One request and its reply without a socket: the test plays the adapter and the client. */
export interface TestExchange<S extends object = {}> extends SocketSide {
  readonly ctx: Context<S>
  /**
   * Asks as an adapter does: errors become replies, and the exchange is finished when the reply's body was read.
   * @param next who answers when a layer asks on; default: 404
   */
  ask(layer: LayerOver<S>, next?: Handler): Promise<Answer>
}

/**
 * Opens an exchange for tests that abort it, finish it by hand or look at interim answers. `call` is for the others.
 * @throws GatewayError `BAD_OPTION`, and what `call` throws
 */
export function exchange<S extends object = {}>(request: RequestLike = '/', init: ExchangeOptions<S> = {}): TestExchange<S> {
  const { clock, state } = checkOptions<ExchangeOptions>('exchange', init, exchangeChecks)
  const informed: { status: 102 | 103; headers: HeaderList }[] = []
  const background: Promise<void>[] = []
  const inner = new Exchange(
    {
      inform: (status, headers) => void informed.push({ status, headers }),
      spawn: (work) => void background.push(work),
    },
    clock,
  )
  const ctx = inner.open(incomingRequest(request)).with(state ?? {}) as Context<S>
  let summary: Summary | undefined
  ctx.onFinish((told) => {
    summary = told
  })
  const finish: SocketSide['finish'] = (outcome = 'finished', status = 200, error) => inner.finish(ctx, outcome, status, error)
  const client = new TestClient()
  const self: TestExchange<S> = {
    ctx,
    async ask(layer, next) {
      // Which state a layer reads was proved by the types above.
      const handler = handlerOf(layer as Layer, next)
      const reply = await new Promise<Reply>((deliver) => run(handler, ctx as Context, deliver))
      return answerOf(reply, self, client)
    },
    abort(reason = new GatewayError('CLIENT_CLOSED')) {
      inner.abort(reason)
      if (reason.code !== 'CLIENT_CLOSED') return
      client.leave(reason)
      // A reply that had begun has finished it by now, with the status that was sent.
      finish('aborted', 499)
    },
    finish,
    get summary() {
      return summary
    },
    informed,
    background,
  }
  return self
}

/** What each option must be. */
export const exchangeChecks: Checks<ExchangeOptions> = {
  clock: options.optional(options.clock),
  state: options.optional(options.record(options.anything)),
}
