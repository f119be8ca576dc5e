import type { Handler, HeaderList } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

const answers = new WeakMap<AbortSignal, HeaderList>()

/** Another reply gets the header fields of the answer that it stands for. */
export const keepsOldHeaders: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    async (ctx) => {
      const reply = await handler(ctx)
      for (const [name, value] of answers.get(ctx.signal) ?? []) if (!reply.headers.has(name)) reply.headers.set(name, value)
      return reply
    },
  between:
    (next): Handler =>
    async (ctx) => {
      const reply = await next(ctx)
      answers.set(ctx.signal, reply.headers.clone())
      return reply
    },
})
