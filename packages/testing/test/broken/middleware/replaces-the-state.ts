import type { Middleware } from '@gatelet/core'

/** Hands on a state of its own instead of the one that was there. */
export const replacesTheState: Middleware<{}, { caller: string }> = (ctx, next) =>
  next(Object.create(ctx, { state: { value: { caller: ctx.request.client.address } } }))
