import { bytesOf, type Handler } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Holds all of an answer from behind before a layer sees it. */
export const readsAllBeforeAnswering: StartAdapter = nodeStarter({
  between:
    (next): Handler =>
    async (ctx) => {
      const reply = await next(ctx)
      reply.body = await bytesOf(reply.body, 100_000_000)
      return reply
    },
})
