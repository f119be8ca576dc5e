import { type Context, type EventMap, type Exchange, exchangeOf, GatewayError, type Summary } from '@gatelet/core'
import { Attached, requestOf } from '../attached.ts'
import { methodOf } from '../traces/attributes.ts'
import type { Family } from './family.ts'
import type { Kit } from './kit.ts'
import { errorTypeOf, OpenRequest } from './open-request.ts'
import { RouteSeries } from './route-series.ts'
import { type Distribution, type Series, traceOf } from './series.ts'
import { WebSockets } from './web-sockets.ts'

/** Counts and times the requests of clients. */
export class Requests {
  private readonly open = new Attached<Exchange, OpenRequest>()
  private readonly durations: Family<Distribution>
  private readonly active: Family<Series>
  private readonly gateway: Family<Distribution>
  private readonly upstream: Family<Distribution>
  private readonly bodies: Family<Series>
  private readonly errors: Family<Series>
  private readonly webSockets: WebSockets
  private readonly activeBy = { http: new Map<string, Series>(), https: new Map<string, Series>() }
  private readonly routes = new Map<string, RouteSeries>()

  constructor(kit: Kit) {
    this.durations = kit.histogram({
      name: 'http.server.request.duration',
      unit: 's',
      help: 'How long requests of clients took, to the end of the reply. WebSockets are not among them.',
      labels: [
        'http.request.method',
        'http.response.status_code',
        'http.route',
        'error.type',
        'url.scheme',
        'network.protocol.version',
      ],
    })
    this.active = kit.updown({
      name: 'http.server.active_requests',
      unit: '{request}',
      help: 'Requests of clients that are under way. WebSockets that are open are not among them.',
      labels: ['http.request.method', 'url.scheme'],
    })
    this.gateway = kit.histogram({
      name: 'gatelet.request.gateway.duration',
      unit: 's',
      help: 'What of the time up to the head of the reply was the gateway’s own: layers, queues, waits between attempts.',
      labels: ['http.route'],
    })
    this.upstream = kit.histogram({
      name: 'gatelet.request.upstream.duration',
      unit: 's',
      help: 'What of the time up to the head of the reply was waited for upstreams.',
      labels: ['http.route'],
    })
    this.bodies = kit.counter({
      name: 'gatelet.http.body.io',
      unit: 'By',
      help: 'Bytes of bodies, of requests (receive) and of replies (transmit).',
      labels: ['http.route', 'network.io.direction'],
    })
    this.errors = kit.counter({
      name: 'gatelet.request.errors',
      unit: '{error}',
      help: 'Errors that became replies, or broke them off, by code and by who has to act.',
      labels: ['error.type', 'gatelet.side'],
    })
    this.webSockets = new WebSockets(kit)
  }

  started({ context }: EventMap['request:started']): void {
    const exchange = exchangeOf(context)
    if (!exchange) return
    const active = this.activeAt(context)
    active.value++
    this.open.set(exchange, new OpenRequest(active))
  }

  routed({ context, route }: EventMap['request:routed']): void {
    const request = this.at(context)
    if (!request) return
    request.route = route
    request.trace ??= traceOf(context)
  }

  failed({ context, error }: EventMap['request:failed']): void {
    const { code, side } = error instanceof GatewayError ? error : internal
    this.errors.at(code, side).value++
    const request = this.at(context)
    if (request) request.error = code
  }

  attempted({ context, outcome }: EventMap['upstream:attempted']): void {
    const request = this.at(context)
    // What is refreshed behind an answer is nothing that this one waits for.
    if (!request || request.isAnswered) return
    request.upstreamMs += outcome.latencyMs
    request.answeredAt = exchangeOf(context)?.clock.now() ?? -1
    request.trace ??= traceOf(context)
  }

  answeredByCache({ context, result }: EventMap['cache:answered']): void {
    const request = this.at(context)
    if (request && (result === 'hit' || result === 'stale')) request.isAnswered = true
  }

  upgraded({ context }: EventMap['request:upgraded']): void {
    const request = this.at(context)
    if (!request || request.isUpgraded) return
    request.isUpgraded = true
    request.active.value--
    request.socket ??= this.webSockets.at(request.route)
    request.socket.opened.value++
    request.socket.active.value++
  }

  passed({ context, direction, messages, bytes }: EventMap['websocket:passed']): void {
    const request = this.at(context)
    if (!request) return
    request.socket ??= this.webSockets.at(request.route)
    const side = request.socket[direction]
    side.messages.value += messages
    side.bytes.value += bytes
  }

  finished({ context, summary }: EventMap['request:finished']): void {
    const exchange = exchangeOf(context)
    const request = exchange && this.open.get(exchange)
    if (!request) return
    this.open.remove(exchange)
    if (request.isUpgraded && request.socket) {
      request.socket.active.value--
      request.socket.duration.observe(summary.durationMs / 1_000, request.trace)
    } else {
      request.active.value--
      this.record(exchange, context, request, summary)
    }
  }

  private record(exchange: Exchange, context: Context, request: OpenRequest, summary: Summary): void {
    const { durationMs, receivedBytes = 0, sentBytes = 0 } = summary
    const { trace } = request
    const route = this.routeAt(request.route)
    route.duration(context, summary, errorTypeOf(summary, request)).observe(durationMs / 1_000, trace)
    if (receivedBytes > 0) route.received.value += receivedBytes
    if (sentBytes > 0) route.sent.value += sentBytes
    if (request.answeredAt < 0) {
      route.gateway.observe(durationMs / 1_000, trace)
    } else {
      // Hedged attempts overlap: they cannot have taken longer than all of it.
      const headMs = Math.max(0, request.answeredAt - exchange.startedAt)
      const upstreamMs = Math.min(headMs, request.upstreamMs)
      route.gateway.observe((headMs - upstreamMs) / 1_000, trace)
      route.upstream.observe(upstreamMs / 1_000, trace)
    }
  }

  private at(context: Context): OpenRequest | undefined {
    const exchange = requestOf(context)
    return exchange && this.open.get(exchange)
  }

  private activeAt({ request }: Context): Series {
    const byMethod = this.activeBy[request.url.scheme]
    const method = methodOf(request)
    const found = byMethod.get(method) ?? this.active.at(method, request.url.scheme)
    if (this.active.mayKeep(found)) byMethod.set(method, found)
    return found
  }

  private routeAt(route: string): RouteSeries {
    const found = this.routes.get(route)
    if (found) return found
    const { bodies, gateway, upstream, durations } = this
    const made = new RouteSeries(route, { bodies, gateway, upstream, durations })
    if (gateway.mayKeep(made.gateway)) this.routes.set(route, made)
    return made
  }
}

const internal = { code: 'INTERNAL', side: 'gateway' }
