import { type Handler, text } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Sends the client what was thrown, word for word. */
export const tellsErrors: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    async (ctx) => {
      try {
        return await handler(ctx)
      } catch (error) {
        return text(String(error), { status: 500, headers: { 'content-type': 'application/problem+json' } })
      }
    },
})
