import { GatewayError, type Handler, problem, text } from '@gatelet/core'

/**
 * Answers the question of a load balancer whether requests should come here: 200, or 503 once the server is closing. Give
 * it a route that does not count as traffic, and `close()` a `delayMs` in which the balancer asks at least twice.
 * @example router.get('/readyz', readiness(() => server))
 */
export function readiness(server: () => { readonly isDraining: boolean }): Handler {
  return function readiness() {
    return server().isDraining
      ? problem(new GatewayError('DRAINING'))
      : text('ready\n', { headers: { 'cache-control': 'no-store' } })
  }
}
