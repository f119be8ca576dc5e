import { bytesOf, type Middleware } from '@gatelet/core'

/** Holds each reply until it is whole. */
export const readsWholeReplies: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  if (!reply.upgrade) reply.body = await bytesOf(reply.body, 1_000_000)
  return reply
}
