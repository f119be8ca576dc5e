import { type IncomingMessage, OutgoingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import {
  type BodyBytes,
  type Clock,
  type Context,
  Exchange,
  type ExchangeHost,
  GatewayError,
  type HeaderList,
  type IncomingRequest,
} from '@gatelet/core'
import { writeInterim } from '../interim.ts'
import { hasContent } from '../reply-head.ts'

/** Who is told when the exchange is over. */
export interface Ending {
  /** @param reason why the reply did not go out; undefined when it did */
  over(reason: GatewayError | undefined): void
}

/** A placement that a request has passed, and what its layers knew when they let it pass. */
interface Passed {
  readonly placement: object
  readonly context: Context
  readonly before: Passed | undefined
}

/**
 * One request in a framework and its reply, whoever writes that. All layers that stand on the way of a request share it,
 * and its one listener. Work in the background has no place here: what follows can be asked once only.
 */
export class FrameworkExchange implements ExchangeHost {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** The status that has left, where handlers that nobody waits for may still set another one on the response. */
  statusOut: number | undefined
  private readonly core: Exchange
  private readonly endings: Ending[] = []
  private first: Context | undefined
  private passed: Passed | undefined
  private brokenBy: GatewayError | undefined
  private waiting: Set<FrameworkExchange> | undefined

  /** The one of a response; made by the first who asks. */
  static at<E extends FrameworkExchange>(
    this: new (
      req: IncomingMessage,
      res: ServerResponse,
      clock: Clock,
    ) => E,
    req: IncomingMessage,
    res: ServerResponse,
    clock: Clock,
  ): E {
    return (FrameworkExchange.of(res) as E | undefined) ?? new this(req, res, clock)
  }

  /** The one that a response has, if any. */
  static of(res: Keeping<ServerResponse> | undefined): FrameworkExchange | undefined {
    if (!res) return undefined
    const first = (res.req?.socket as Keeping<Socket> | undefined)?.[key]
    return first?.res === res ? first : res[key]
  }

  constructor(req: IncomingMessage, res: ServerResponse, clock: Clock) {
    this.req = req
    this.res = res
    this.core = new Exchange(this, clock)
    this.keep((req.socket as Keeping<Socket>)[key] === undefined)
    res.on('close', onClose)
    // A response that waits for earlier ones on its connection is told nothing when that closes.
    if (!res.socket) this.waiting = waitingOn(req.socket).add(this)
  }

  /** Whether somebody may ask for it when the response is closed: for what its layers knew, or to write still. */
  protected get isNeededLater(): boolean {
    for (const _ in this.passed?.context.state) return true
    return false
  }

  get isOver(): boolean {
    return this.core.isOver
  }

  /** How many placements it has come to. */
  get placements(): number {
    return this.endings.length
  }

  /** Whether the head has left, whatever stands before the response says about it. */
  get isHeadOut(): boolean {
    return Reflect.get(OutgoingMessage.prototype, 'headersSent', this.res) === true
  }

  /** The context of one more placement: it knows what those before have learned, and lives as long as they let it. */
  open(request: IncomingRequest, ending: Ending): Context {
    this.endings.push(ending)
    const context = this.core.open(request, this.passed?.context)
    this.first ??= context
    return context
  }

  /** The layers of a placement let the request pass. */
  pass(placement: object, context: Context): void {
    this.passed = { placement, context, before: this.passed }
  }

  /** What the layers of a placement knew when they let the request pass; undefined when they did not. */
  contextAfter(placement: object): Context | undefined {
    let at = this.passed
    while (at && at.placement !== placement) at = at.before
    return at?.context
  }

  /** Ends the connection in a way that tells the client that something is missing. */
  breakOff(error: unknown): void {
    this.brokenBy ??= error instanceof GatewayError ? error : new GatewayError('INTERNAL', { cause: error })
    // Where the body ends with the connection, an orderly end would make it look whole.
    if (this.req.httpVersion === '1.0') this.req.socket.resetAndDestroy()
    else this.res.destroy()
  }

  inform(status: 102 | 103, headers: HeaderList): void {
    if (this.req.httpVersion !== '1.0' && !this.isHeadOut) writeInterim(this.res, status, headers)
  }

  /** The response is closed: it is out, or its connection is gone. */
  closed(): void {
    const { req, res, brokenBy, first } = this
    if (this.isOver) return
    this.leaveConnection()
    if (!first) return
    // Node takes the socket off a response that was handed over to it, and tells so too when it could not be written.
    const isOut = !res.socket && res.writableFinished && !req.socket.destroyed && !req.socket.errored
    if (isOut) {
      for (const ending of this.endings) ending.over(undefined)
      this.core.finish(first, 'finished', this.statusOut ?? res.statusCode, undefined, this.bytes)
      return
    }
    const reason = brokenBy ?? new GatewayError('CLIENT_CLOSED')
    this.core.abort(reason)
    for (const ending of this.endings) ending.over(reason)
    const status = this.isHeadOut ? (this.statusOut ?? res.statusCode) : reason.status
    this.core.finish(first, brokenBy ? 'failed' : 'aborted', status, brokenBy)
  }

  // Handlers write as they like; what they announced is what has left.
  private get bytes(): BodyBytes {
    const { req, res } = this
    const sent = hasContent(req.method as string, res.statusCode) ? lengthIn(res.getHeader('content-length')) : 0
    return { receivedBytes: hasBody(req) ? lengthIn(req.headers['content-length']) : 0, sentBytes: sent }
  }

  /** @param isFirst no other is open on its connection: more are only where a client pipelines */
  private keep(isFirst: boolean): void {
    if (isFirst) (this.req.socket as Keeping<Socket>)[key] = this
    else (this.res as Keeping<ServerResponse>)[key] = this
  }

  // What handlers still do behind the reply, they do rarely: then the response itself may keep it.
  private leaveConnection(): void {
    const socket: Keeping<Socket> = this.req.socket
    this.waiting?.delete(this)
    if (socket[key] !== this) return
    socket[key] = undefined
    if (this.isNeededLater) this.keep(false)
  }
}

// Kept by the connection while it is open. A property of the response, whose prototype Express has changed, would cost 1.5 µs.
const key: unique symbol = Symbol('gatelet.framework')

type Keeping<T> = T & { [key]?: FrameworkExchange | undefined }

const waiting: unique symbol = Symbol('gatelet.framework.waiting')

/** Those whose responses wait for earlier ones. One listener tells all of them: a client may pipeline many. */
function waitingOn(socket: Socket & { [waiting]?: Set<FrameworkExchange> }): Set<FrameworkExchange> {
  const known = socket[waiting]
  if (known) return known
  const made = new Set<FrameworkExchange>()
  socket[waiting] = made
  socket.on('close', () => {
    for (const exchange of made) exchange.closed()
  })
  return made
}

function lengthIn(field: unknown): number | undefined {
  const length = Number(field ?? Number.NaN)
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined
}

// One function for all: no response needs one of its own.
function onClose(this: ServerResponse): void {
  FrameworkExchange.of(this)?.closed()
}
