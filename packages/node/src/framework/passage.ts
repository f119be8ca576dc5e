import type { IncomingMessage, Server } from 'node:http'
import {
  type CanonicalHost,
  type CanonicalTarget,
  type ClientView,
  type Context,
  canonicalize,
  canonicalizeLeniently,
  failure,
  GatewayError,
  type IncomingRequest,
  type MaybePromise,
  publish,
  type Reply,
  run,
} from '@gatelet/core'
import { maxFieldsOf } from '../adapter.ts'
import { type Connection, connectionOf } from '../connection.ts'
import { quietlyDiscard } from '../quietly-discard.ts'
import type { RequestReader } from '../request.ts'
import type { Ending, FrameworkExchange } from './exchange.ts'
import { giveOn } from './give-on.ts'
import { moveUnder } from './mounted.ts'
import type { ParsedBody } from './parsed-body.ts'
import type { Placement } from './placement.ts'
import { FrameworkRequest } from './request.ts'

/** What an adapter does for one request and one placement: the framework's half of a passage. */
export interface FrameworkSide extends Ending {
  /** The target as it came to the server. */
  readonly original: string
  /** What the framework's router has left of it here. */
  readonly url: string
  /** The part of the path that it took off, without a slash behind. */
  readonly mount: string
  /** The client as the framework's own settings have it. */
  clientView(): ClientView
  parsedBody(): ParsedBody
  /** Tells the framework's router of another target, in case it remembers anything of the old one. */
  moved?(): void
  /** Asks the framework's next handler. Called once at most. */
  ask(): MaybePromise<Reply>
  /** Makes the reply the framework's answer. Must not throw. */
  answer(reply: Reply, context: Context): void
  /** Whether an error is the framework's own and goes back to it in any case. */
  owns(error: unknown): boolean
  /** Hands an error to the framework. @returns false where that is not possible any more */
  passError(error: unknown, context: Context): boolean
}

/** One request on its way through one placement. */
export class Passage implements RequestReader, Ending {
  readonly side: FrameworkSide
  readonly request: FrameworkRequest
  readonly exchange: FrameworkExchange
  private readonly placement: Placement
  private readonly context: Context
  private isAsked = false
  private isAnswered = false

  constructor(placement: Placement, exchange: FrameworkExchange, side: FrameworkSide) {
    this.placement = placement
    this.exchange = exchange
    this.side = side
    this.request = new FrameworkRequest(this, exchange.req, side.original)
    this.context = exchange.open(this.request, this)
  }

  begin(): void {
    const { refusal } = this.request
    // What stands behind a request that was refused may be a part of it: it is not looked at, and the connection ends. The
    // request itself may come to another placement, where the framework's error handling goes on with it.
    if (this.exchange.placements === 1 && !this.connection.accepts()) return
    if (refusal) this.refused(refusal)
    else
      run(
        this.placement.handler,
        this.context,
        (reply) => this.answered(reply),
        (error) => this.failed(error),
      )
  }

  /** What stands behind the layers. @throws GatewayError `NEXT_TWICE`, `CHANGE_REFUSED`, `CLIENT_CLOSED` */
  ask(ctx: Context): MaybePromise<Reply> {
    const { exchange, side, request, placement } = this
    if (this.isAsked || this.isAnswered) throw new GatewayError('NEXT_TWICE')
    if (exchange.isOver) throw new GatewayError('CLIENT_CLOSED')
    this.isAsked = true
    const before = exchange.req.url
    giveOn(exchange.req, request, ctx.request, (url) => this.targetFor(url.path, url.search))
    // What was read in its canonical form must be what is routed on, or two readings of one path are two decisions.
    if (placement.settings.strictPaths && ctx.request.url === request.url) {
      exchange.req.url = this.targetFor(request.url.path, request.url.search)
    }
    if (exchange.req.url !== before) side.moved?.()
    exchange.pass(placement, ctx)
    return side.ask()
  }

  over(reason: GatewayError | undefined): void {
    this.isAnswered = true
    this.side.over(reason)
    if (reason) this.request.fail(reason)
    this.request.release()
  }

  get maxFields(): number {
    const { server } = this.exchange.req.socket as { server?: Server }
    return server ? maxFieldsOf(server) : 1_000
  }

  canonicalOf(_: IncomingMessage): CanonicalTarget {
    const { mount, original, url } = this.side
    const { path, strictPaths } = this.placement.settings
    const read = strictPaths ? canonicalize : canonicalizeLeniently
    if (mount === '') return read(path === 'original' ? original : url)
    if (!isBehind(original, mount, url)) {
      // Express 4 takes a second slash off with the mount: what came is in doubt, though what is left is not.
      if (strictPaths) read(original)
      return read(path === 'original' ? original : url)
    }
    const whole = read(original)
    if (path === 'original') return whole
    const base = read(mount).path
    const rest = whole.path.slice(base.length)
    if (whole.path.startsWith(base) && (rest === '' || rest.startsWith('/'))) return { ...whole, path: rest || '/' }
    if (strictPaths) throw new GatewayError('BAD_TARGET', { detail: 'Its dot segments lead out of where it was matched' })
    return read(url)
  }

  viewOf(connection: Connection, request: IncomingRequest): ClientView {
    return this.placement.viewOf(connection, request, this.side)
  }

  hostOf(value: string, scheme: 'http' | 'https'): CanonicalHost {
    return this.placement.hostOf(value, scheme)
  }

  private answered(reply: Reply): void {
    if (this.isAnswered) {
      quietlyDiscard(reply)
      return
    }
    if (reply.upgrade) {
      quietlyDiscard(reply)
      const message = 'a handler answered with an upgrade where a framework handles requests; put it on the server by `attach`'
      this.failed(new GatewayError('BAD_REPLY', { message }))
      return
    }
    const { side, placement, request } = this
    this.isAnswered = true
    if (!this.isAsked && side.mount !== '' && placement.settings.path === 'mounted') {
      moveUnder(side.mount, reply.headers, request.url)
    }
    side.answer(reply, this.context)
  }

  private refused(refusal: GatewayError): void {
    this.connection.isClosing = true
    this.exchange.res.shouldKeepAlive = false
    this.failed(refusal)
  }

  private get connection(): Connection {
    return connectionOf(this.exchange.req.socket)
  }

  private failed(error: unknown): void {
    const { side, context, placement } = this
    const isOwned = side.owns(error)
    if (!this.isAnswered && (isOwned || placement.settings.passErrors) && side.passError(error, context)) {
      this.isAnswered = true
      if (!isOwned) publish('request:failed', { context, error })
    } else {
      this.answered(failure(error, context))
    }
  }

  /** How a path in our view is written for the framework's router. */
  private targetFor(path: string, search: string): string {
    const { mount } = this.side
    if (this.placement.settings.path === 'mounted' || mount === '') return path + search
    const rest = path.slice(mount.length)
    if (path.startsWith(mount) && (rest === '' || rest.startsWith('/'))) return (rest || '/') + search
    throw new GatewayError('CHANGE_REFUSED', { message: `${path} is not under ${mount}, where the framework's router is now` })
  }
}

// Where a handler of the framework has rewritten the rest, the whole says nothing about it.
const isBehind = (original: string, mount: string, url: string): boolean =>
  original === mount + url || (url.startsWith('/') && original === mount + url.slice(1))
