import { type Chain, type Context, type Handler, handlerOf, type Layer, type MaybePromise, type Reply, run } from '@gatelet/core'
import { type Answer, answerOf } from './answer.ts'
import { type ExchangeOptions, exchange } from './exchange.ts'
import type { RequestLike } from './request.ts'

/** How a handler is called. */
export interface CallOptions<S extends object = {}> extends ExchangeOptions<S> {
  /** Who answers when a layer asks on. Default: 404. */
  next?: Handler
}

/** What reads a state of type `S`: a handler, a layer, or a chain that stands inside another. */
export type LayerOver<S extends object> = ((ctx: Context<S>, next: Handler<S>) => MaybePromise<Reply>) | Chain<object, S>

/**
 * Asks a handler, a layer or a chain in this process, and does what an adapter would: errors become replies, and the
 * exchange is finished when the body was read (at once where it is no stream). What reads a state gets it by `state`.
 * @example const reply = await call(router, 'GET /users/7')
 * @example const reply = await call(me, '/me', { state: { principal } })
 * @throws GatewayError `BAD_TARGET` and the like for a request that no adapter would let through
 */
export function call<S extends object>(layer: LayerOver<S>, request: RequestLike, options: WithState<S>): Promise<Answer>
export function call(layer: Layer, request?: RequestLike, options?: CallOptions): Promise<Answer>
export async function call<S extends object>(
  layer: Layer | LayerOver<S>,
  request: RequestLike = '/',
  options: CallOptions<S> = {},
): Promise<Answer> {
  // Which state a layer needs was proved by the overloads above.
  const handler = handlerOf(layer as Layer, options.next)
  const opened = exchange(request, options)
  const reply = await new Promise<Reply>((deliver) => run(handler, opened.ctx, deliver))
  return answerOf(reply, opened)
}

/**
 * Asks `n` times, one after another; each body is read to its end before the next request goes out.
 * @param request the same each time, or one for each, counted from 0; a body that is a stream needs the second
 */
export function calls<S extends object>(
  layer: LayerOver<S>,
  n: number,
  request: Requests,
  options: WithState<S>,
): Promise<Answer[]>
export function calls(layer: Layer, n: number, request?: Requests, options?: CallOptions): Promise<Answer[]>
export async function calls(layer: Layer, n: number, request: Requests = '/', options: CallOptions = {}): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let index = 0; index < n; index++) {
    const answer = await call(layer, typeof request === 'function' ? request(index) : request, options)
    // A body that breaks off is for the test to see: reading the answer again says it again.
    await answer.bytes().catch(() => {})
    answers.push(answer)
  }
  return answers
}

type WithState<S extends object> = CallOptions<S> & { state: S }

type Requests = RequestLike | ((index: number) => RequestLike)
