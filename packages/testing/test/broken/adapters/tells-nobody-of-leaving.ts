import { type Context, Exchange, type Handler } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Gives layers an exchange that never ends. */
export const tellsNobodyOfLeaving: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    (ctx) =>
      handler(new Exchange({ inform() {} }).open(ctx.request) as Context),
})
