import { type Middleware, PushSource, sourceOf } from '@gatelet/core'

/** Puts itself in the middle of a stream, and does not tell the maker when the reader leaves. */
export const keepsStreamsOpen: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  const from = sourceOf(reply.body)
  let flow: { pause(): void; resume(): void } | undefined
  const to: PushSource = new PushSource({
    start() {
      flow = from.pipeTo({
        write: (chunk) => to.push(chunk),
        end: () => to.end(),
        fail: (error) => to.fail(error),
      })
    },
    pause: () => flow?.pause(),
    resume: () => flow?.resume(),
    cancel() {},
  })
  reply.body = to
  return reply
}
