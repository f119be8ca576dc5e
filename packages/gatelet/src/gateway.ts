import type { ManagedBalancer } from '@gatelet/balancer'
import { type Context, GatewayError, type Handler, withStrictPaths } from '@gatelet/core'
import type { Router } from '@gatelet/router'
import { type Assembly, assemble, differences } from './assembly.ts'
import type { GatewayOptions } from './options.ts'
import { Retirement } from './retirement.ts'
import { leftBehind, takeOver } from './upstream.ts'

/** A gateway: a handler, which can be changed while it works. */
export interface Gateway<N extends string = string> extends Handler {
  /** The balancers by name, to look at their endpoints and to change them: `gateway.upstreams.users.add('http://10.0.0.9:4001')`. */
  readonly upstreams: Readonly<Record<N, ManagedBalancer>>
  /** Why a request goes where it goes, by the routes of now: see `Router.explain`. It is not sent. */
  readonly explain: Router['explain']
  /**
   * Becomes what these options say, whole or not at all: they are checked and everything is built first, then all of it
   * takes its place between two requests. Requests that came before end as they began.
   *
   * An upstream whose options are the same stays as it is, endpoints added or drained by hand included. If its `endpoints`
   * differ, those that are in both lists keep their figures. Everything else is made anew, and what it replaces is closed
   * after its `drainMs`.
   * @returns what is different now: `upstreams.<name>`, and the names of other options, as `routes`
   * @throws GatewayError (as a rejection) `BAD_OPTION`, whose `path` names the field; `DRAINING` when the gateway was closed
   */
  replace(options: GatewayOptions<N>): Promise<{ changed: string[] }>
  /**
   * Closes the upstreams: each refuses from now on, and waits at most its `drainMs` for requests in flight. Close the server
   * first. Always the same promise.
   */
  close(): Promise<void>
}

/**
 * Puts a gateway together from one list: layers, then a router, then a balancer and a proxy for each upstream.
 * @throws GatewayError `BAD_OPTION`, whose `path` names the field and whose message says what would be right
 * @example
 * const gateway = createGateway({
 *   upstreams: {
 *     users: { endpoints: ['http://10.0.0.1:4001', 'http://10.0.0.2:4001'] },
 *     orders: { endpoints: ['http://10.0.0.3:4002'], proxy: { retries: 1 } },
 *   },
 *   routes: [
 *     { path: '/users/*', to: 'users' },
 *     { path: '/orders/*', to: 'orders', use: [onlyMembers] },
 *     { path: '/livez', to: () => json({ ok: true }) },
 *   ],
 * })
 * const server = await serve(gateway, { port: 8080 })
 */
export function createGateway<N extends string>(options: GatewayOptions<N>): Gateway<N> {
  let current = assemble('createGateway', options)
  let balancers = balancersOf<N>(current)
  let closed: Promise<void> | undefined
  const retirement = new Retirement()

  function become(next: Assembly): void {
    const before = current
    for (const [name, upstream] of next.upstreams) takeOver(upstream, before.upstreams.get(name))
    current = next
    balancers = balancersOf(next)
    for (const [name, upstream] of before.upstreams) {
      const left = leftBehind(upstream, next.upstreams.get(name))
      if (left) retirement.add(left, upstream.options)
    }
  }

  async function closeAll(): Promise<void> {
    const upstreams = [...current.upstreams.values()].map((upstream) => leftBehind(upstream, undefined)?.close())
    await Promise.all([retirement.close(), ...upstreams])
  }

  // Whatever layers it has now or later: who may, and who answers, hangs on the path.
  const handler: Handler = withStrictPaths(function gateway(ctx: Context) {
    return current.handler(ctx)
  })
  const controls: Omit<Gateway<N>, 'upstreams'> = {
    async replace(options) {
      if (closed !== undefined) throw new GatewayError('DRAINING', { message: 'the gateway was closed: it takes no new options' })
      const next = assemble('gateway.replace', options, current)
      const changed = differences(current, next)
      if (changed.length > 0) become(next)
      return { changed }
    },
    explain: (request, tenant) => current.explain(request, tenant),
    close() {
      closed ??= closeAll()
      return closed
    },
  }
  Object.defineProperty(handler, 'upstreams', { enumerable: true, get: () => balancers })
  return Object.assign(handler, controls) as Gateway<N>
}

function balancersOf<N extends string>({ upstreams }: Assembly): Readonly<Record<N, ManagedBalancer>> {
  const byName = [...upstreams].map(([name, { balancer }]) => [name, balancer])
  // Without a prototype: `upstreams.constructor` is an upstream of that name, or nothing.
  return Object.freeze(Object.assign(Object.create(null), Object.fromEntries(byName)))
}
