import { type Checks, checkOptions, type Handler, type Layer, options } from '@gatelet/core'
import type { Answer } from './answer.ts'
import { type ExchangeOptions, exchange, exchangeChecks, type LayerOver } from './exchange.ts'
import type { RequestLike } from './request.ts'

/** How a handler is called. */
export interface CallOptions<S extends object = {}> extends ExchangeOptions<S> {
  /** Who answers when a layer asks on. Default: 404. */
  next?: Handler
}

type WithState<S extends object> = CallOptions<S> & { state: S }

/**
 * Asks a handler, a layer or a chain in this process, and does what an adapter would: errors become replies, and the
 * exchange is finished when the body was read (at once where it is no stream). What reads a state gets it by `state`.
 * @example const reply = await call(router, 'GET /users/7')
 * @example const reply = await call(me, '/me', { state: { principal } })
 * @throws GatewayError `BAD_TARGET` and the like for a request that no adapter would let through; `BAD_OPTION`
 */
export function call<S extends object>(layer: LayerOver<S>, request: RequestLike, options: WithState<S>): Promise<Answer>
export function call(layer: Layer, request?: RequestLike, options?: CallOptions): Promise<Answer>
export async function call(layer: Layer, request: RequestLike = '/', init: CallOptions = {}): Promise<Answer> {
  const { next, ...around } = checkOptions('call', init, checks)
  return exchange(request, around).ask(layer, next)
}

type Requests = RequestLike | ((index: number) => RequestLike)

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

const checks: Checks<CallOptions> = { ...exchangeChecks, next: options.optional(options.fn<Handler>('a handler')) }
