import { bytesOf, type Handler } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Reads every reply to its end before anything is sent. */
export const buffersStreams: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    async (ctx) => {
      const reply = await handler(ctx)
      if (!reply.upgrade) reply.body = await bytesOf(reply.body, 100_000_000)
      return reply
    },
})
