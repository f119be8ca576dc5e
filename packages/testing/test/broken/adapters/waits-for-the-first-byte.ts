import { type Handler, PushSource, sourceOf } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Sends the head along with the first byte, however long that takes. */
export const waitsForTheFirstByte: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    async (ctx) => {
      const reply = await handler(ctx)
      const from = sourceOf(reply.body)
      const to = new PushSource({ pause() {}, resume() {}, cancel: () => from.cancel() })
      await new Promise<void>((resolve) => {
        from.pipeTo({
          write(chunk) {
            const hasRoom = to.push(chunk)
            resolve()
            return hasRoom
          },
          end(trailers) {
            to.end(trailers)
            resolve()
          },
          fail(error) {
            to.fail(error)
            resolve()
          },
        })
      })
      reply.body = to
      return reply
    },
})
