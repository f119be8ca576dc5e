import { type Handler, readableOf } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Makes a stream of Node of each body: these have no trailers. */
export const dropsTrailers: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    async (ctx) => {
      const reply = await handler(ctx)
      if (reply.body !== null && typeof reply.body !== 'string') reply.body = readableOf(reply.body)
      return reply
    },
})
