import { type Clock, type Context, Exchange, type GatewayError, type HeaderList, type Summary } from '@gatelet/core'
import { incomingRequest, type RequestLike } from './request.ts'

/** What surrounds a call in the same process. */
export interface ExchangeOptions<S extends object = {}> {
  /** Default: the machine's. */
  clock?: Clock
  /** What earlier layers would have learned. */
  state?: S
}

/** One request and its reply without a socket: the test plays the adapter and the client. */
export interface TestExchange<S extends object = {}> {
  readonly ctx: Context<S>
  /** The client leaves, or the deadline passes (`new GatewayError('DEADLINE_EXCEEDED')`). */
  abort(reason?: GatewayError): void
  /** The socket side is done. Only the first call counts. @param status default: 200 */
  finish(outcome?: Summary['outcome'], status?: number, error?: unknown): void
  /** How it ended; undefined while it is open. */
  readonly summary: Summary | undefined
  /** Interim answers, in their order. */
  readonly informed: readonly { readonly status: 102 | 103; readonly headers: HeaderList }[]
  /** Work that goes on after the reply: `await Promise.all(background)`. */
  readonly background: Promise<void>[]
}

/** Opens an exchange for tests that abort it, finish it by hand or look at interim answers. `call` is for the others. */
export function exchange(request?: RequestLike): TestExchange
export function exchange<S extends object>(request: RequestLike, options: ExchangeOptions<S>): TestExchange<S>
export function exchange<S extends object>(
  request: RequestLike = '/',
  { clock, state }: ExchangeOptions<S> = {},
): TestExchange<S> {
  const informed: { status: 102 | 103; headers: HeaderList }[] = []
  const background: Promise<void>[] = []
  const host = {
    inform: (status: 102 | 103, headers: HeaderList) => void informed.push({ status, headers }),
    spawn: (work: Promise<void>) => void background.push(work),
  }
  const inner = new Exchange(host, clock)
  const ctx = inner.open(incomingRequest(request)).with(state ?? ({} as S))
  let summary: Summary | undefined
  ctx.onFinish((told) => {
    summary = told
  })
  return {
    ctx,
    abort: (reason) => inner.abort(reason),
    finish: (outcome = 'finished', status = 200, error) => inner.finish(ctx, outcome, status, error),
    get summary() {
      return summary
    },
    informed,
    background,
  }
}
