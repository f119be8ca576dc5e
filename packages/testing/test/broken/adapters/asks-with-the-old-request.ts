import type { Context, Handler } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

const came = new WeakMap<Context['signal'], Context>()

/** What stands behind sees the request as it came, whatever layers have changed of it. */
export const asksWithTheOldRequest: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    (ctx) => {
      came.set(ctx.signal, ctx)
      return handler(ctx)
    },
  between:
    (next): Handler =>
    (ctx) =>
      next(came.get(ctx.signal) ?? ctx),
})
