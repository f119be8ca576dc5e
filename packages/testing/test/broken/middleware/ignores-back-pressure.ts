import { type Middleware, PushSource, sourceOf } from '@gatelet/core'

/** Pumps a body from one side to the other, whoever can take it. */
export const ignoresBackPressure: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  const from = sourceOf(reply.body)
  const to = new PushSource({ pause() {}, resume() {}, cancel: () => from.cancel() })
  reply.body = to
  from.pipeTo({
    write(chunk) {
      to.push(chunk)
      return true
    },
    end: () => to.end(),
    fail: (error) => to.fail(error),
  })
  return reply
}
