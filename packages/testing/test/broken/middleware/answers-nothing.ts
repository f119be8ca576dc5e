import type { Middleware } from '@gatelet/core'

/** Waits for the reply and forgets to hand it on. */
export const answersNothing: Middleware = async (ctx, next) => {
  await next(ctx)
  return undefined as never
}
