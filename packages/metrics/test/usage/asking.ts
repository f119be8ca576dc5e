import { type Clock, publish, type Summary } from '@gatelet/core'
import { exchange, type RequestLike } from '@gatelet/testing'

/** What a request of the tests comes to. */
export interface Asked extends Partial<Summary> {
  consumer?: string
  route?: string
  request?: RequestLike
}

/** One request from its first event to its last one, in no time. */
export function ask(clock: Clock, { consumer, route, request = '/', ...summary }: Asked = {}): void {
  const { ctx } = exchange(request, { clock })
  if (route !== undefined) publish('request:routed', { context: ctx, route })
  if (consumer !== undefined)
    publish('auth:decided', { context: ctx, outcome: 'proved', reason: undefined, scheme: 'bearer', subject: consumer })
  publish('request:finished', { context: ctx, summary: { outcome: 'finished', status: 200, durationMs: 1, ...summary } })
}
