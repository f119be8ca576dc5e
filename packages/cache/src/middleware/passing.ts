import { amended, type Context, type Handler, isPromise, type MaybePromise, type Reply } from '@gatelet/core'
import { invalidates } from '../policy/invalidation.ts'
import type { Forward } from '../policy/types.ts'
import type { Kit } from './kit.ts'

/** A connection that changes its protocol is none of ours. */
export function untouched<S extends object>(kit: Kit<S>, ctx: Context<S>, next: Handler<S>): MaybePromise<Reply> {
  kit.tell({ ctx }, { result: 'bypass', detail: 'upgrade' })
  return next(ctx)
}

/** What may change something: it goes through first, and what is stored of it is of the past then (RFC 9111 §4.4). */
export function written<S extends object>(kit: Kit<S>, ctx: Context<S>, next: Handler<S>): MaybePromise<Reply> {
  const through = async (): Promise<Reply> => {
    const reply = await next(ctx)
    await Promise.all(invalidates(ctx.request, reply).map((url) => kit.invalidate(url)))
    return reply
  }
  return passed(kit, ctx, through, { forward: 'method' })
}

/** Passes a request on as it came; the reply says why. */
export function passed<S extends object>(
  kit: Kit<S>,
  ctx: Context<S>,
  next: Handler<S>,
  said: { readonly forward: Forward; readonly detail?: string },
): MaybePromise<Reply> {
  kit.tell({ ctx }, { result: 'bypass', detail: said.detail ?? said.forward })
  let forwardStatus: number | undefined
  const noted = (reply: Reply): Reply => {
    forwardStatus = reply?.status
    return reply
  }
  const through: Handler<S> = (same) => {
    const answer = next(same)
    return isPromise(answer) ? answer.then(noted) : noted(answer)
  }
  return amended(ctx, through, ({ headers }) => kit.addStatus(headers, { ...said, ...(forwardStatus && { forwardStatus }) }))
}
