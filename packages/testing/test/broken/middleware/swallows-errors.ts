import { type Middleware, text } from '@gatelet/core'

/** Makes a reply out of an error, so that nobody in front of it knows of that. */
export const swallowsErrors: Middleware = async (ctx, next) => {
  try {
    return await next(ctx)
  } catch {
    return text('sorry', 500)
  }
}
