import type { Handler } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Leaves the body of an answer to HEAD as it is: nobody reads it, and nobody ends it. */
export const keepsStreamsOpen: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    async (ctx) => {
      const reply = await handler(ctx)
      if (ctx.request.method === 'HEAD') reply.body = null
      return reply
    },
})
