import type { Handler, IncomingRequest } from '@gatelet/core'
import type { StartAdapter } from '@gatelet/testing'
import { nodeStarter } from '../../node-starter.ts'

/** Has a body for every request, an empty one where none was sent. */
export const neverHasNoBody: StartAdapter = nodeStarter({
  around:
    (handler): Handler =>
    (ctx) => {
      const { request } = ctx
      const body = request.body ?? ''
      const other: IncomingRequest = Object.create(request, { body: { value: body } })
      return handler(Object.defineProperty(ctx, 'request', { value: other }))
    },
})
