import type { Middleware } from '@gatelet/core'

/** Learns who is asking, and keeps it to itself. The cast is what makes it compile. */
export const forgetsItsState: Middleware<{}, { caller: string }> = (ctx, next) => {
  ctx.with({ caller: ctx.request.client.address })
  return next(ctx as never)
}
