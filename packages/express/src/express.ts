import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Chain,
  type ClientView,
  type Context,
  canonicalAddress,
  GatewayError,
  type Layer,
  type MaybePromise,
  type Middleware,
  type Reply,
  withoutPort,
} from '@gatelet/core'
import {
  type DrainEmitter,
  deliver,
  deliverFailure,
  type FrameworkOptions,
  type FrameworkSide,
  type FrameworkTarget,
  frameworkSettings,
  type ParsedBody,
  Placement,
  quietlyDiscard,
  type ReplyHead,
  type ReplyOutput,
  replyHead,
  type StreamedReply,
  setHeaders,
} from '@gatelet/node/toolkit'
import { Hold } from './hold.ts'
import { ExpressExchange } from './intercept.ts'

/** How a layer stands in Express. */
export type ExpressOptions = FrameworkOptions

/** Goes wherever Express takes a middleware or a handler. */
export interface ExpressLayer<S extends object = {}> {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void
  /**
   * What its layers knew when they let this request pass, for the handlers behind them.
   * @throws GatewayError `BAD_OPTION` for a request that has not come through here
   */
  state(req: IncomingMessage): Readonly<S>
}

/**
 * Places a handler, a layer or a chain in Express 4 or 5. What stands behind a layer is Express's own next handler, whoever
 * that is; the Reply that `next` gives back is what that handler writes. It can be asked once.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const members = toExpress(chain().use(auth(verify)))
 * app.get('/me', members, (req, res) => res.json({ you: members.state(req).principal.subject }))
 */
export function toExpress<S extends object>(layer: Chain<S, {}>, options?: ExpressOptions): ExpressLayer<S>
export function toExpress<A extends object = {}>(layer: Middleware<{}, A>, options?: ExpressOptions): ExpressLayer<A>
export function toExpress(layer: Layer, options?: ExpressOptions): ExpressLayer
export function toExpress(layer: Layer, options: ExpressOptions = {}): ExpressLayer {
  const placement = new Placement(layer, frameworkSettings('toExpress', layer, options))
  const { clock } = placement.settings

  function gatelet(req: ExpressRequest, res: ServerResponse, next: Next): void {
    const exchange = ExpressExchange.at(req, res, clock)
    placement.lead(exchange, new ExpressSide(exchange, req, next))
  }
  return Object.assign(gatelet, { state: (req: ExpressRequest) => placement.stateOf(req.res) })
}

type Next = (error?: unknown) => void

/** What Express adds to a request. */
interface ExpressRequest extends IncomingMessage {
  readonly res?: ServerResponse
  readonly app?: { get(setting: string): unknown }
  readonly originalUrl?: string
  readonly baseUrl?: string
  readonly ip?: string
  readonly protocol?: string
  query?: unknown
  readonly body?: unknown
  readonly rawBody?: unknown
}

/** One request at one placement, as Express has it. */
class ExpressSide implements FrameworkSide, FrameworkTarget {
  readonly request: { readonly method: string }
  streamed: StreamedReply | undefined
  isHeadWritten = false
  private readonly exchange: ExpressExchange
  private readonly req: ExpressRequest
  private readonly next: Next
  private hold: Hold | undefined
  private context: Context | undefined

  constructor(exchange: ExpressExchange, req: ExpressRequest, next: Next) {
    this.exchange = exchange
    this.req = req
    this.next = next
    this.request = { method: req.method as string }
  }

  get original(): string {
    return this.req.originalUrl ?? this.url
  }

  get url(): string {
    return this.req.url as string
  }

  get mount(): string {
    return this.req.baseUrl ?? ''
  }

  clientView(): ClientView {
    const { ip = '', protocol, socket, app } = this.req
    const peer = socket.remoteAddress ?? ''
    const trusts = app?.get('trust proxy fn') as ((address: string, hop: number) => boolean) | undefined
    return {
      client: {
        // Some proxies add the port, which is another one for each connection.
        address: canonicalAddress(withoutPort(ip)) ?? ip,
        peer: canonicalAddress(peer) ?? peer,
        viaTrustedProxy: trusts?.(peer, 0) === true,
      },
      scheme: protocol === 'https' ? 'https' : 'http',
    }
  }

  parsedBody(): ParsedBody {
    return { value: this.req.body, raw: this.req.rawBody }
  }

  moved(): void {
    const { req, url } = this
    // Express 4 reads the query once, before all else; Express 5 whenever it is asked for.
    const parse = Object.hasOwn(req, 'query') ? req.app?.get('query parser fn') : undefined
    if (typeof parse === 'function') req.query = parse(/\?(.*)/s.exec(url)?.[1] ?? '')
  }

  ask(): MaybePromise<Reply> {
    this.hold = new Hold(this.exchange)
    this.next()
    return this.hold.answer()
  }

  owns(): boolean {
    return false
  }

  passError(error: unknown): boolean {
    if (this.hold ? !this.hold.release() : this.exchange.res.headersSent) return false
    this.next(error)
    return true
  }

  answer(reply: Reply, context: Context): void {
    this.context = context
    // Somebody in front of us has lost patience and answered: there is nothing to be written any more.
    if (!this.hold && this.exchange.res.headersSent) quietlyDiscard(reply)
    else deliver(this, reply)
  }

  over(reason: GatewayError | undefined): void {
    this.streamed?.cancel()
    this.hold?.over(reason)
  }

  get res(): ReplyOutput {
    return this.hold?.outlet ?? this.exchange.res
  }

  get drainEmitter(): DrainEmitter {
    return this.hold?.outlet ?? this.exchange.res
  }

  /** @throws GatewayError `BAD_HEADER` */
  writeHead(reply: Reply, length: number | undefined): ReplyHead {
    const { res, req } = this.exchange
    const { status, headers } = reply
    const protocol = req.httpVersion === '1.0' ? '1.0' : '1.1'
    const head = replyHead(headers.raw, { status, method: this.request.method, protocol, length, close: false, mayClose: true })
    try {
      if (this.hold) {
        this.hold.writeOut(reply, head)
      } else {
        setHeaders(res, head)
        res.writeHead(status)
      }
    } catch (cause) {
      throw new GatewayError('BAD_HEADER', { cause })
    }
    this.isHeadWritten = true
    this.exchange.statusOut = res.statusCode
    return head
  }

  replyFailed(error: Error): void {
    const { exchange, context, hold } = this
    if (exchange.isOver || !context || deliverFailure(this, error, context)) return
    if (hold?.outlet instanceof Hold) hold.outlet.break(error)
    else exchange.breakOff(error)
  }
}
