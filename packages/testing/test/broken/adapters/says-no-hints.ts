import type { Context, Handler } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Knows no interim answers. */
export const saysNoHints: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    (ctx) =>
      handler(Object.defineProperty(ctx, 'inform', { value: () => {} }) as Context),
})
