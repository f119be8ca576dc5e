import { discard, type Middleware, problem } from '@gatelet/core'

/** Asks first and looks at the key then: what is asked has happened. */
export const asksBeforeItRefuses: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  if (ctx.request.headers.has('x-key')) return reply
  discard(reply.body)
  return problem({ status: 401, title: 'Who are you?' })
}
