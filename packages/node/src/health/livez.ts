import { type Handler, text } from '@gatelet/core'
import { askedRightly } from './method.ts'

/**
 * Answers 200 as long as the process runs: what asks may then leave it alone, and start it again otherwise. It looks at nothing
 * else: a database that is away is no reason to start all gateways again, and a server that drains lives.
 * @example router.get('/livez', livez())
 */
export function livez(): Handler {
  return function livez({ request }) {
    askedRightly(request)
    return text('alive\n', { headers: { 'cache-control': 'no-store' } })
  }
}
