import type { Middleware, Reply } from '@gatelet/core'

/** Keeps the reply where all requests of a layer can see it. */
export function sharesAVariable(): Middleware {
  let current: Reply | undefined
  return async (ctx, next) => {
    current = await next(ctx)
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    return current
  }
}
