import type { Middleware } from '@gatelet/core'

/** Throws an error of its own for one that is thrown at once. */
export const wrapsErrors: Middleware = (ctx, next) => {
  try {
    return next(ctx)
  } catch (cause) {
    throw new Error('something failed', { cause })
  }
}
