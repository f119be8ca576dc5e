import { type Middleware, problem } from '@gatelet/core'

/** One request at a time, until one fails: the lock is given back after a reply only. */
export function locksForEver(): Middleware {
  let isLocked = false
  return async (ctx, next) => {
    if (isLocked) return problem({ status: 503, title: 'Somebody else is being served' })
    isLocked = true
    const reply = await next(ctx)
    isLocked = false
    return reply
  }
}
