import {
  type Body,
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  discard,
  GatewayError,
  type Handler,
  isBody,
  isPromise,
  type MaybePromise,
  type Middleware,
  options,
  type Reply,
  sourceOf,
  stopReason,
  systemClock,
  withAttemptMs,
} from '@gatelet/core'
import { mistake } from './mistake.ts'
import { TimedBody } from './timed-body.ts'

/** How long requests of a route may take: the `timeouts` of the Gateway API. */
export interface TimeoutOptions {
  /**
   * For all of it, to the end of the reply, in milliseconds; a body that still flows then is broken off, so leave it out for
   * downloads and event streams. Of a handshake, to the answer to it. Default 0: no bound.
   */
  requestMs?: number
  /**
   * For each attempt of a proxy at one endpoint, in milliseconds, as its `timeouts.attemptMs`: the shorter one counts. At most
   * `requestMs`. Default 0: no bound.
   */
  backendRequestMs?: number
  /** Where time comes from. */
  clock?: Clock
}

/**
 * Answers 504 (`DEADLINE_EXCEEDED`) when the time is over, whatever those behind it do, and tells them: a proxy leaves its
 * upstream, others hear it by `ctx.onAbort`, and `ctx.deadline` says it in advance. The shortest of several counts.
 * @throws GatewayError `BAD_OPTION` at once; at a request, `DEADLINE_EXCEEDED`
 * @example router.get('/reports/*rest', timeout({ requestMs: 10_000, backendRequestMs: 3_000 }), proxy(reports))
 */
export function timeout(given: TimeoutOptions): Middleware {
  const { requestMs = 0, backendRequestMs = 0, clock = systemClock } = checkOptions('timeout', given, checks)
  if (requestMs > 0 && backendRequestMs > requestMs)
    throw mistake('timeout', backendRequestMs, 'backendRequestMs', `at most requestMs, which is ${requestMs}`)
  return function timeout(ctx, next) {
    const asked = backendRequestMs > 0 ? withAttemptMs(ctx, backendRequestMs) : ctx
    if (requestMs === 0) return next(asked)
    if (ctx.request.kind === 'upgrade') return handshakeInTime(asked, next, requestMs, clock)
    return inTime(asked.withDeadline(clock.now() + requestMs), next)
  }
}

/**
 * What `next` answers, unless the time is over first: not everybody hears of that, or minds.
 * @param settled called when it has answered
 */
function inTime<S extends object>(ctx: Context<S>, next: Handler<S>, settled: () => void = () => {}): MaybePromise<Reply> {
  const answer = next(ctx)
  if (!isPromise(answer)) {
    settled()
    return cutInTime(ctx, answer)
  }
  return new Promise((resolve, reject) => {
    let isLate = false
    const undo = ctx.onAbort(() => {
      const reason = stopReason(ctx)
      if (reason.code !== 'DEADLINE_EXCEEDED') return
      isLate = true
      reject(reason)
    })
    const answered = (reply: Reply) => {
      undo()
      settled()
      if (isLate) discard(reply.body)
      else resolve(cutInTime(ctx, reply))
    }
    const failed = (error: unknown) => {
      undo()
      settled()
      reject(error)
    }
    // Also where it answers with what is no reply: an error of ours must not go unheard.
    Promise.resolve(answer).then(answered).catch(failed)
  })
}

// A proxy listens by itself; a stream that a handler has made does not, nor what a layer behind has made of one.
function cutInTime<S extends object>(ctx: Context<S>, reply: Reply): Reply {
  const body = reply?.body // What is no reply is for the edge to tell of.
  if (isBody(body) && !isHere(body)) reply.body = new TimedBody(ctx, sourceOf(body))
  return reply
}

const isHere = (body: Body): boolean => body === null || typeof body === 'string' || body instanceof Uint8Array

// Not by a deadline, which would end the WebSocket itself some time later.
function handshakeInTime<S extends object>(ctx: Context<S>, next: Handler<S>, ms: number, clock: Clock): MaybePromise<Reply> {
  const expiry = new AbortController()
  const cancel = clock.setTimer(() => expiry.abort(new GatewayError('DEADLINE_EXCEEDED')), ms)
  ctx.onFinish(cancel)
  return inTime(ctx.withSignal(expiry.signal), next, cancel)
}

const checks: Checks<TimeoutOptions> = {
  requestMs: options.optional(options.milliseconds(0)),
  backendRequestMs: options.optional(options.milliseconds(0)),
  clock: options.optional(options.clock),
}
