import { type Middleware, problem } from '@gatelet/core'

/** Lets HEAD through, whose headers tell what GET may not. */
export const guardsGetOnly: Middleware = (ctx, next) => {
  const { method, headers } = ctx.request
  const isGuarded = method === 'GET' || method === 'POST'
  return isGuarded && !headers.has('x-key') ? problem({ status: 401, title: 'Who are you?' }) : next(ctx)
}
