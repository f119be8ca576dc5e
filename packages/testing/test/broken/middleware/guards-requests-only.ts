import { type Middleware, problem } from '@gatelet/core'

/** Takes a handshake for something else than a request. */
export const guardsRequestsOnly: Middleware = (ctx, next) => {
  const { kind, headers } = ctx.request
  return kind === 'request' && !headers.has('x-key') ? problem({ status: 401, title: 'Who are you?' }) : next(ctx)
}
