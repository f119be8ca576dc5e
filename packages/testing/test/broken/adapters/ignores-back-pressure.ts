import { type Handler, PushSource, sourceOf } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Takes a body as fast as it is made. */
export const ignoresBackPressure: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    async (ctx) => {
      const reply = await handler(ctx)
      if (reply.upgrade) return reply
      const from = sourceOf(reply.body)
      const to = new PushSource({ pause() {}, resume() {}, cancel: () => from.cancel() })
      from.pipeTo({
        write(chunk) {
          to.push(chunk)
          return true
        },
        end: (trailers) => to.end(trailers),
        fail: (error) => to.fail(error),
      })
      reply.body = to
      return reply
    },
})
