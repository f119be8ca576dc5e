import type { Middleware } from '@gatelet/core'

/** Asks once more where the first answer does not please it. */
export const asksTwice: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  return reply.status === 404 ? next(ctx) : reply
}
