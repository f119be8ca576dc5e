import type { ServerResponse } from 'node:http'
import {
  type CanonicalHost,
  type ClientView,
  type Context,
  clientResolver,
  GatewayError,
  type Handler,
  handlerOf,
  type IncomingRequest,
  type Layer,
  originalOf,
} from '@gatelet/core'
import type { Connection } from '../connection.ts'
import { hostMemory } from '../host-memory.ts'
import { FrameworkExchange } from './exchange.ts'
import type { FrameworkSettings } from './options.ts'
import { type FrameworkSide, Passage } from './passage.ts'
import type { FrameworkRequest } from './request.ts'

/** A handler, a layer or a chain where a framework has put it. */
export class Placement {
  readonly handler: Handler
  readonly settings: FrameworkSettings
  readonly hostOf: (value: string, scheme: 'http' | 'https') => CanonicalHost
  private readonly resolve: ReturnType<typeof clientResolver>

  /** @throws GatewayError `BAD_OPTION` */
  constructor(layer: Layer, settings: FrameworkSettings) {
    const { trustedProxies } = settings
    this.settings = settings
    this.handler = handlerOf(layer, (ctx) => passageOf(ctx).ask(ctx))
    this.hostOf = hostMemory()
    this.resolve = clientResolver(trustedProxies === 'framework' ? undefined : trustedProxies)
  }

  /** Leads a request through the layers. */
  lead(exchange: FrameworkExchange, side: FrameworkSide): void {
    new Passage(this, exchange, side).begin()
  }

  /**
   * What the layers knew when they let the request of this response pass.
   * @throws GatewayError `BAD_OPTION` when it has not come through here
   */
  stateOf(res: ServerResponse | undefined): object {
    const context = FrameworkExchange.of(res)?.contextAfter(this)
    if (context) return context.state
    // Nothing was learned, or it would be remembered beyond the end.
    if (res?.destroyed) return {}
    const message = `${this.settings.owner}: the request has not come through this layer, so there is no state of it; place it before the handler`
    throw new GatewayError('BAD_OPTION', { message })
  }

  viewOf(connection: Connection, request: IncomingRequest, side: FrameworkSide): ClientView {
    const { trustedProxies, owner } = this.settings
    if (trustedProxies === 'framework') return side.clientView()
    if (trustedProxies === undefined) {
      if (connection.view) return connection.view
      warnOfUntrusted(request, owner)
    }
    const { address, isEncrypted: encrypted } = connection
    const view = this.resolve({ address, encrypted }, request.headers)
    if (trustedProxies === undefined) connection.view = view
    return view
  }
}

/** A layer may have changed the request: it still leads to where it came from. */
const passageOf = (ctx: Context): Passage => (originalOf(ctx.request) as FrameworkRequest).passage

let hasWarned = false

// Once in a process: everybody behind a proxy is one client then, for limits and logs alike, and nothing else shows it.
function warnOfUntrusted(request: IncomingRequest, owner: string): void {
  if (hasWarned || !request.headers.has('x-forwarded-for')) return
  hasWarned = true
  process.emitWarning(
    `${owner}: requests come with X-Forwarded-For, but no proxy is trusted, so the client is whoever connects. ` +
      "Set trustedProxies: 'framework' takes the framework's own setting, a list names the proxies, [] says that there are none.",
    'GateletWarning',
  )
}
