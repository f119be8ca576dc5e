import type { Middleware } from '@gatelet/core'

/** Adds a header when the exchange is over, long after the head has left. */
export const addsHeadersLate: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  ctx.onFinish(({ durationMs }) => void reply.headers.set('x-duration', String(durationMs)))
  return reply
}
