import type { Middleware } from '@gatelet/core'

/** Finds out about a wrong option when a request comes. */
export const takesAnyOption =
  ({ header }: { header: string }): Middleware =>
  async (ctx, next) => {
    const reply = await next(ctx)
    reply.headers.set(header, 'seen')
    return reply
  }
