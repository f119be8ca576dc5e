import {
  amended,
  type Checks,
  checkOptions,
  type EventMap,
  type Exchange,
  exchangeOf,
  GatewayError,
  type Middleware,
  options,
  problemOf,
  type Reply,
  subscribe,
} from '@gatelet/core'
import { answeredStatus } from '../answered-status.ts'
import { Attached, requestOf } from '../attached.ts'
import { errorTypeOf } from './error-types.ts'

/** What clients are told of the way of their request. */
export interface ProxyStatusOptions {
  /** How this gateway is called in the field: a token. Default `gatelet`. */
  name?: string
  /** Which replies tell it: those of errors alone, or each one that was asked for elsewhere too. Default `always`. */
  when?: 'errors' | 'always'
  /** Whether `next-hop` names the server that was asked, with its address or name. Default false: that is nobody's concern. */
  nextHop?: boolean
}

const { boolean, oneOf, optional, token } = options

const checks: Checks<ProxyStatusOptions> = {
  name: optional(token('edge-1')),
  when: optional(oneOf('errors', 'always')),
  nextHop: optional(boolean),
}

type Attempt = EventMap['upstream:attempted']

/**
 * Tells clients by `Proxy-Status` (RFC 9209) what became of their request: which error the gateway met, in the words of the RFC and,
 * in `details`, by its code; and `received-status`, what a server answered. It is added behind what proxies nearer to the server have
 * said. Replies that a handler here made without asking anybody, and those of a cache, have none. Place it in front of all layers
 * whose errors it shall tell of.
 * @throws GatewayError `BAD_OPTION`
 */
export function proxyStatus(given: ProxyStatusOptions = {}): Middleware & { close(): void } {
  const { name = 'gatelet', when = 'always', nextHop = false } = checkOptions('proxyStatus', given, checks)
  const attempts = new LastAttempts()
  const layer: Middleware = (ctx, next) =>
    amended(ctx, next, (reply) => {
      const attempt = attempts.of(exchangeOf(ctx))
      const params = paramsOf(reply, attempt, when)
      if (!params) return
      if (nextHop && attempt) params.push(`next-hop=${quoted(attempt.origin?.host ?? attempt.endpoint.id)}`)
      reply.headers.append('proxy-status', [name, ...params].join(';'))
    })
  return Object.assign(layer, { close: () => attempts.close() })
}

function paramsOf(reply: Reply, attempt: Attempt | undefined, when: 'errors' | 'always'): string[] | undefined {
  const status = attempt && answeredStatus(attempt)
  const received = status === undefined ? [] : [`received-status=${status}`]
  const error = problemOf(reply) ?? unanswered(attempt)
  if (error) return [...errorParams(error), ...received]
  // What limiters say has no error of core's: it is an answer.
  if (!attempt && reply.status === 429) return ['error=http_request_denied']
  return attempt && when === 'always' ? received : undefined
}

/** Why nobody was there who could answer, where another answer is given in place of it. */
const unanswered = (attempt: Attempt | undefined): GatewayError | undefined =>
  attempt?.error instanceof GatewayError ? attempt.error : undefined

function errorParams(error: GatewayError): string[] {
  const type = errorTypeOf(error)
  return [...(type === undefined ? [] : [`error=${type}`]), `details=${quoted(error.code)}`]
}

/** A string of RFC 9651 §3.3.3: printable ASCII. */
const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`

/** The last attempt for each request, unless a cache had the answer. */
class LastAttempts {
  private readonly last = new Attached<Exchange, Attempt | 'cached'>()
  private readonly undo: readonly (() => void)[]

  constructor() {
    this.undo = [
      subscribe('upstream:attempted', (attempt) => {
        const exchange = requestOf(attempt.context)
        if (exchange && attempt.outcome.kind !== 'cancelled' && this.last.get(exchange) !== 'cached')
          this.last.set(exchange, attempt)
      }),
      subscribe('cache:answered', ({ context, result }) => {
        const exchange = exchangeOf(context)
        // In place of an error it is `stale` too, but then the attempt has been told of.
        if (exchange && (result === 'hit' || result === 'stale') && !this.last.get(exchange)) this.last.set(exchange, 'cached')
      }),
    ]
  }

  of(exchange: Exchange | undefined): Attempt | undefined {
    const last = exchange && this.last.get(exchange)
    return last === 'cached' ? undefined : last
  }

  close(): void {
    for (const undo of this.undo) undo()
  }
}
