import { bytesOf, type Middleware } from '@gatelet/core'

/** Reads the upload to count it, and hands on what it has read. */
export const readsUploads: Middleware = async (ctx, next) => {
  if (ctx.request.body === null) return next(ctx)
  const body = await bytesOf(ctx.request.body, 1_000_000)
  return next(ctx.withRequest({ body }))
}
