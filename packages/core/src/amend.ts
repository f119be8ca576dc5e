import type { Context, Handler, MaybePromise, Reply } from './contract.ts'
import { publish } from './events.ts'
import { type Exchange, exchangeOf } from './exchange.ts'
import { isPromise } from './promise.ts'

/** What layers will do to the reply that one error becomes. */
interface Amendments {
  readonly error: unknown
  readonly made: ((reply: Reply) => void)[]
}

// By exchange and not by error: one error object may be thrown into many requests.
const pending = new WeakMap<Exchange, Amendments>()

/**
 * Asks `next` and changes what comes back, for layers whose header fields belong on every reply: also on the one that an error
 * becomes at the edge. The error itself goes on as it was thrown, so that layers in front still see it. (Koa answers errors
 * itself: it is given the fields.)
 * @param amend called once for what `next` gave, with the reply itself or the one made of the error. Should not throw: what it
 * throws for a reply becomes a 500, and for an error is told on `gatelet:request:failed`, while all else stays as it is
 */
export function amended<S extends object>(ctx: Context<S>, next: Handler<S>, amend: (reply: Reply) => void): MaybePromise<Reply> {
  const changed = (reply: Reply): Reply => {
    // What is no reply is for the edge to tell of.
    if (Array.isArray(reply?.headers?.raw)) amend(reply)
    return reply
  }
  const failing = (error: unknown): never => {
    remember(ctx, error, amend)
    throw error
  }
  let answer: MaybePromise<Reply>
  try {
    answer = next(ctx)
  } catch (error) {
    return failing(error)
  }
  return isPromise(answer) ? answer.then(changed, failing) : changed(answer)
}

/** Changes the reply that `error` became as the layers which it passed have asked for, the innermost first. */
export function amendFailure(ctx: Context, error: unknown, reply: Reply): Reply {
  const exchange = exchangeOf(ctx)
  const amendments = exchange && pending.get(exchange)
  if (amendments?.error !== error) return reply
  for (const amend of amendments?.made ?? []) {
    try {
      amend(reply)
    } catch (worse) {
      // One that fails must not cost what the others ask for: a page could not read why, and nothing would forbid to frame it.
      publish('request:failed', { context: ctx, error: worse })
    }
  }
  return reply
}

function remember<S extends object>(ctx: Context<S>, error: unknown, amend: (reply: Reply) => void): void {
  const exchange = exchangeOf(ctx)
  if (!exchange) return
  const before = pending.get(exchange)
  // Another error than the one before, which somebody has caught.
  if (before && before.error === error) before.made.push(amend)
  else pending.set(exchange, { error, made: [amend] })
}
