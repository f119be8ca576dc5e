import type { Handler } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Joins all lines of one name by a comma, cookies too. */
export const foldsCookies: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    async (ctx) => {
      const reply = await handler(ctx)
      for (const name of new Set([...reply.headers].map(([each]) => each.toLowerCase()))) {
        reply.headers.set(name, reply.headers.getAll(name).join(', '))
      }
      return reply
    },
})
