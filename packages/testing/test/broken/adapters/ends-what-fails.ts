import { type Handler, PushSource, sourceOf } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** A body that breaks off ends as if that was all. */
export const endsWhatFails: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    async (ctx) => {
      const reply = await handler(ctx)
      const from = sourceOf(reply.body)
      const to = new PushSource({
        start: () => void from.pipeTo({ write: (chunk) => to.push(chunk), end: () => to.end(), fail: () => to.end() }),
        pause() {},
        resume() {},
        cancel: () => from.cancel(),
      })
      reply.body = to
      return reply
    },
})
