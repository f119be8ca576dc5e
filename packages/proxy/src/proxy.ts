import { type Balancer, GatewayError, type Handler, isPromise } from '@gatelet/core'
import { Forwarding } from './forwarding.ts'
import { Latencies } from './latencies.ts'
import { withLimitedBody } from './limited-body.ts'
import { type ProxyOptions, proxySettings, proxyTarget } from './options.ts'
import type { ProxyParts } from './parts.ts'
import { requestBody } from './request-body.ts'
import { upstreamHeaders } from './request-headers.ts'
import { RetryBudget } from './retry-budget.ts'
import { singleEndpoint } from './single-endpoint.ts'
import { OpenTunnels } from './upgrade/open-tunnels.ts'
import { upgrade } from './upgrade/upgrade.ts'
import { Upstreams } from './upstreams.ts'

/** A handler that forwards, and its connections. */
export interface Forwarder extends Handler {
  /**
   * Closes the connections that are not in use, and the others when they are done; resolves when the last request is over. Upgraded
   * ones are told to leave within `timeouts.upgradeDrainMs`, and not waited for.
   * Not the balancer: it may have other users.
   */
  close(): Promise<void>
}

/**
 * Forwards requests, WebSocket handshakes too, to the endpoints of a balancer or to one server, and streams the answers
 * back. A failed attempt goes to another endpoint when nothing was sent yet, or when the method is idempotent (RFC 9110
 * §9.2.2) and the body can be sent again. Retries and hedges are bounded by a budget.
 *
 * Failures are told apart: 502 the endpoint cannot be reached or answers nonsense, 503 there is none to ask, 504 it took
 * too long, 508 the request came round in a loop.
 * @param to a balancer, or the URL of one server; a path in it is put before each request's
 * @throws GatewayError `BAD_OPTION` at once, for options that are not right
 */
export function proxy(to: Balancer | URL | string, options: ProxyOptions = {}): Forwarder {
  const settings = proxySettings(options)
  const target = proxyTarget(to)
  const balancer = target instanceof URL ? singleEndpoint(target) : target
  const upstreams = new Upstreams(settings)
  const budget = settings.retries.budget && new RetryBudget(settings.retries.budget)
  const tunnels = new OpenTunnels(settings.clock, settings.upgradeDrainMs)
  const parts: ProxyParts = { balancer, upstreams, settings, budget, tunnels, latencies: new Latencies() }
  const { maxRequestBytes } = settings
  const handler: Handler = function proxy(given) {
    const { kind, method } = given.request
    if (kind === 'upgrade') return upgrade(given, parts)
    // One asks for a tunnel to anywhere; the other for an echo of what only the upstream should see.
    if (method === 'CONNECT' || method === 'TRACE') throw new GatewayError('METHOD_NOT_IMPLEMENTED')
    const ctx = maxRequestBytes === undefined ? given : withLimitedBody(given, maxRequestBytes)
    const headers = upstreamHeaders(ctx.request, settings)
    const body = requestBody(ctx)
    if (isPromise(body)) return body.then((ready) => new Forwarding(ctx, parts, headers, ready).run())
    return new Forwarding(ctx, parts, headers, body).run()
  }
  const close = () => {
    tunnels.leaveAll()
    return upstreams.close()
  }
  return Object.assign(handler, { close })
}
