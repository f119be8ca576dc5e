import type { Context, Middleware } from '@gatelet/core'

/** Makes a context by a spread, which has none of its methods. */
export const spreadsTheContext: Middleware = (ctx, next) => next({ ...ctx, onAbort: () => () => {} } as Context as typeof ctx)
