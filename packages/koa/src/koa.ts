import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import {
  amendFailure,
  type Chain,
  type ClientView,
  type Context,
  canonicalAddress,
  HeaderList,
  type Layer,
  type Middleware,
  type Reply,
  withoutPort,
} from '@gatelet/core'
import {
  changeHeaders,
  deliver,
  deliverFailure,
  FrameworkExchange,
  type FrameworkOptions,
  type FrameworkSide,
  type FrameworkTarget,
  frameworkSettings,
  hasContent,
  type ParsedBody,
  Placement,
  quietlyDiscard,
  type ReplyHead,
  rawHeaders,
  replyHead,
  restoreHeaders,
  type StreamedReply,
  setHeaders,
} from '@gatelet/node/toolkit'
import { bodyOf } from './body-of.ts'
import { KoaOutput } from './output.ts'

/** How a layer stands in Koa. */
export type KoaOptions = FrameworkOptions

/** What of Koa's context is used here; any version's has it. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly request: object
  readonly app: { readonly proxy?: boolean }
  readonly originalUrl: string
  readonly ip: string
  readonly protocol: string
  respond?: boolean | undefined
  status: number
  body: unknown
  /** What `koa-compress` asks before it packs a body. */
  compress?: unknown
}

/** Goes wherever Koa takes a middleware. */
export interface KoaLayer<S extends object = {}> {
  (ctx: KoaContext, next: () => Promise<unknown>): Promise<void>
  /**
   * What its layers knew when they let this request pass, for the middleware behind them.
   * @throws GatewayError `BAD_OPTION` for a request that has not come through here
   */
  state(ctx: { readonly res: ServerResponse }): Readonly<S>
}

/**
 * Places a handler, a layer or a chain in Koa 2 or 3. What stands behind a layer is the rest of Koa's middleware; the Reply
 * that `next` gives back is what that has put on Koa's context, and it stays there as it is unless a layer changes it. It
 * can be asked once. What the rest throws comes through the layers as a throw, and goes on to Koa's own error handling.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const members = toKoa(chain().use(auth(verify)))
 * app.use(members)
 * app.use((ctx) => { ctx.body = { you: members.state(ctx).principal.subject } })
 */
export function toKoa<S extends object>(layer: Chain<S, {}>, options?: KoaOptions): KoaLayer<S>
export function toKoa<A extends object = {}>(layer: Middleware<{}, A>, options?: KoaOptions): KoaLayer<A>
export function toKoa(layer: Layer, options?: KoaOptions): KoaLayer
export function toKoa(layer: Layer, options: KoaOptions = {}): KoaLayer {
  const placement = new Placement(layer, frameworkSettings('toKoa', layer, options))
  const { clock } = placement.settings

  function gatelet(ctx: KoaContext, next: () => Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      const exchange = FrameworkExchange.at(ctx.req, ctx.res, clock)
      placement.lead(exchange, new KoaSide(exchange, ctx, next, resolve, reject))
    })
  }
  return Object.assign(gatelet, { state: ({ res }: { readonly res: ServerResponse }) => placement.stateOf(res) })
}

/** What body parsers add to Koa's request. */
interface ParsedRequest {
  readonly body?: unknown
  readonly rawBody?: unknown
}

/** What the rest of the middleware had put on the context. */
interface Answer {
  readonly reply: Reply
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Reply['body']
}

/** One request at one placement, as Koa has it. */
class KoaSide implements FrameworkSide, FrameworkTarget {
  readonly request: { readonly method: string }
  readonly res: KoaOutput
  streamed: StreamedReply | undefined
  isHeadWritten = false
  private readonly exchange: FrameworkExchange
  private readonly ctx: KoaContext
  private readonly next: () => Promise<unknown>
  private readonly done: () => void
  private readonly reject: (error: unknown) => void
  private readonly headersBefore: OutgoingHttpHeaders
  private answered: Answer | undefined
  private thrown: { readonly error: unknown } | undefined
  private context: Context | undefined

  constructor(
    exchange: FrameworkExchange,
    ctx: KoaContext,
    next: () => Promise<unknown>,
    done: () => void,
    reject: (error: unknown) => void,
  ) {
    this.exchange = exchange
    this.ctx = ctx
    this.next = next
    this.done = done
    this.reject = reject
    this.request = { method: ctx.req.method as string }
    this.headersBefore = ctx.res.getHeaders()
    this.res = new KoaOutput(ctx, () => this.streamed?.cancel())
  }

  get original(): string {
    return this.ctx.originalUrl
  }

  get url(): string {
    return this.ctx.req.url as string
  }

  get mount(): string {
    const [whole, rest] = [pathOf(this.original), pathOf(this.url)]
    if (whole.endsWith(rest)) return whole.slice(0, whole.length - rest.length)
    return rest === '/' ? whole : ''
  }

  clientView(): ClientView {
    const { ip, protocol, app, req } = this.ctx
    const peer = req.socket.remoteAddress ?? ''
    return {
      client: {
        // Some proxies add the port, which is another one for each connection.
        address: canonicalAddress(withoutPort(ip)) ?? ip,
        peer: canonicalAddress(peer) ?? peer,
        viaTrustedProxy: app.proxy === true,
      },
      scheme: protocol === 'https' ? 'https' : 'http',
    }
  }

  parsedBody(): ParsedBody {
    const { body, rawBody } = this.ctx.request as ParsedRequest
    return { value: body, raw: rawBody }
  }

  async ask(): Promise<Reply> {
    try {
      await this.next()
    } catch (error) {
      this.thrown = { error }
      throw error
    }
    const { status } = this.ctx
    const headers = rawHeaders(this.ctx.res)
    const body = this.isBypassed || !hasContent(this.request.method, status) ? null : bodyOf(this.ctx.body)
    // Koa 3 listens only when it writes: one that fails while layers wait would end the process.
    if (body instanceof Readable) body.on('error', () => {})
    const reply = { status, headers: HeaderList.fromRaw(headers.slice()), body }
    this.answered = { reply, status, headers, body }
    return reply
  }

  owns(error: unknown): boolean {
    return this.thrown !== undefined && this.thrown.error === error
  }

  passError(error: unknown, context: Context): boolean {
    keepHeaders(error, context)
    this.reject(error)
    return true
  }

  answer(reply: Reply, context: Context): void {
    const { answered, ctx } = this
    this.context = context
    if (this.isBypassed) {
      if (reply.body !== answered?.body) quietlyDiscard(reply)
    } else if (reply !== answered?.reply || reply.body !== answered.body) {
      deliver(this, reply)
    } else {
      // Koa's own body stays where it is: looked at in another way, it would be another one to Koa.
      if (reply.status !== answered.status) ctx.status = reply.status
      changeHeaders(ctx.res, answered.headers, reply.headers)
      this.watch(reply.body)
      // It is too late for Koa to hear of it by itself.
      if (reply.body instanceof Readable && reply.body.errored) {
        this.reject(reply.body.errored)
        return
      }
    }
    this.done()
  }

  over(): void {
    this.streamed?.cancel()
  }

  get drainEmitter(): KoaOutput {
    return this.res
  }

  /** @throws GatewayError `BAD_HEADER` */
  writeHead(reply: Reply, length: number | undefined): ReplyHead {
    const { ctx, request } = this
    const { status, headers } = reply
    const { method } = request
    const protocol = ctx.req.httpVersion === '1.0' ? '1.0' : '1.1'
    const head = replyHead(headers.raw, { status, method, protocol, length, close: false, mayClose: true })
    const { answered } = this
    const kept = reply === answered?.reply ? {} : this.headersBefore
    // Koa makes the phrase of every status that it is given.
    const phrase = reply === answered?.reply && status === answered.status ? ctx.res.statusMessage : undefined
    this.res.begin(status, hasContent(method, status), () => {
      restoreHeaders(ctx.res, kept)
      setHeaders(ctx.res, head)
      if (phrase) ctx.res.statusMessage = phrase
    })
    this.isHeadWritten = true
    return head
  }

  replyFailed(error: Error): void {
    const { exchange, context } = this
    if (exchange.isOver || !context || deliverFailure(this, error, context)) return
    exchange.breakOff(error)
  }

  // Koa 2 leaves its client waiting for the rest of a stream that has failed.
  private watch(body: Reply['body']): void {
    if (!(body instanceof Readable)) return
    body.once('error', (error) => {
      if (this.exchange.isHeadOut) this.exchange.breakOff(error)
    })
  }

  // Somebody writes to Node's response without Koa.
  private get isBypassed(): boolean {
    return this.ctx.respond === false || this.exchange.isHeadOut
  }
}

/**
 * Gives an error the header fields that layers want on every reply: Koa takes all others away when it answers an error, and
 * sends those that the error itself has.
 */
function keepHeaders(error: unknown, context: Context): void {
  if (!(error instanceof Error) || !Object.isExtensible(error)) return
  const { status = 500, headers: own } = error as Error & { readonly status?: number; readonly headers?: object }
  const { headers } = amendFailure(context, error, { status, headers: new HeaderList(), body: null })
  if (headers.raw.length > 0) Object.assign(error, { headers: { ...headersAsObject(headers), ...own } })
}

function headersAsObject(headers: HeaderList): OutgoingHttpHeaders {
  const byName: OutgoingHttpHeaders = {}
  for (const [name] of headers) {
    const values = headers.getAll(name)
    byName[name.toLowerCase()] = values.length === 1 ? values[0] : values
  }
  return byName
}

const pathOf = (target: string): string => target.split('?', 1)[0] as string
