import { type Middleware, problem } from '@gatelet/core'

/** Answers something else for an error, and leaves the body of the first reply to nobody. */
export const dropsBodies: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  return reply.status >= 500 ? problem({ status: 503, title: 'Come back later' }) : reply
}
