import {
  bytesOf,
  type Context,
  GatewayError,
  type Handler,
  isLease,
  type Lease,
  type Outcome,
  publish,
  type Reply,
  refusalError,
} from '@gatelet/core'
import type { Frame } from '../frame.ts'
import { CallIds } from './call-ids.ts'
import type { CallRequest, OutgoingCall } from './codec.ts'
import type { WebSocketCallsOptions } from './options.ts'
import { ConnectionLost, PendingCall } from './pending-call.ts'
import { type CallCounts, ConnectionPools } from './pools.ts'
import { type CallSettings, callSettings } from './settings.ts'

/** A handler that asks over WebSockets, and what else its connections bring. */
export interface WebSocketCalls extends Handler {
  /**
   * Hears the messages that answer no call. With several connections to a server that tells all of them, each is heard as often.
   * @returns its undo
   */
  listen(listener: (frame: Frame) => void): () => void
  counts(): CallCounts
  /** Refuses new calls, tells those that wait 503 and closes the connections. A balancer of yours stays open. */
  close(): Promise<void>
}

/**
 * Answers HTTP requests over WebSockets that stay open: each request becomes a message, and the message that brings its id back
 * becomes the reply. Several messages for one request are streamed, as server-sent events where `Accept` asks for them, else as
 * lines of JSON.
 *
 * What is lost on the way is told as 502, or sent again once where that is safe; what is late, as 504; too much, as 503.
 * @throws GatewayError `BAD_OPTION`
 * @example const rpc = createWebSocketCalls({ endpoints: ['ws://10.0.0.1:4000/rpc'] }); router.post('/rpc', rpc)
 */
export function createWebSocketCalls(options: WebSocketCallsOptions): WebSocketCalls {
  const calls = new Calls(callSettings(options))
  const handler = (ctx: Context) => calls.answer(ctx)
  return Object.assign(handler, {
    listen: (listener: (frame: Frame) => void) => calls.pools.listen(listener),
    counts: () => calls.pools.counts(),
    close: () => calls.close(),
  })
}

class Calls {
  readonly pools: ConnectionPools
  private readonly settings: CallSettings
  private readonly ids: CallIds

  constructor(settings: CallSettings) {
    this.settings = settings
    this.ids = new CallIds(settings.clock)
    this.pools = new ConnectionPools(settings)
  }

  async answer(ctx: Context): Promise<Reply> {
    const { request } = ctx
    if (request.kind === 'upgrade') throw new GatewayError('UPGRADE_REFUSED', { detail: 'Only plain requests are answered here' })
    const body = await bytesOf(request.body, this.settings.maxRequestBytes)
    return new Asking(this.settings, this.pools, this.ids, { body, context: ctx }).reply()
  }

  close(): Promise<void> {
    return this.pools.close(new GatewayError('DRAINING'))
  }
}

/** One request, until it has its reply: asked of one endpoint, of others when that cannot be reached, and again when it is lost. */
class Asking {
  private readonly settings: CallSettings
  private readonly pools: ConnectionPools
  private readonly ids: CallIds
  private readonly request: CallRequest
  private readonly tried: Lease['endpoint'][] = []
  private attempt = 0
  private isRepeated = false

  constructor(settings: CallSettings, pools: ConnectionPools, ids: CallIds, request: CallRequest) {
    this.settings = settings
    this.pools = pools
    this.ids = ids
    this.request = request
  }

  async reply(): Promise<Reply> {
    let lastError: GatewayError | undefined
    for (; ; this.attempt++) {
      const id = this.ids.next()
      const encoded = this.settings.codec.encode(this.request, id)
      if (typeof encoded === 'object' && 'status' in encoded) return encoded
      const lease = await this.lease(lastError)
      const call = typeof encoded === 'string' || encoded instanceof Uint8Array ? { frame: encoded } : encoded
      try {
        return await this.ask(lease, id, call)
      } catch (error) {
        if (!(error instanceof GatewayError) || !this.mayAskAgain(error, call)) throw error
        lastError = error
        this.tried.push(lease.endpoint)
      }
    }
  }

  private async lease(lastError: GatewayError | undefined): Promise<Lease> {
    const { balancer } = this.settings
    const answer = await balancer.acquire({ tried: this.tried, context: this.request.context })
    if (!isLease(answer)) throw lastError ?? refusalError(answer)
    // What was lost may be asked of the same server again; what could not be reached is not there a moment later.
    if (!lastError || lastError instanceof ConnectionLost || !this.tried.includes(answer.endpoint)) return answer
    answer.release()
    throw lastError
  }

  private async ask(lease: Lease, id: string, call: OutgoingCall): Promise<Reply> {
    const { clock } = this.settings
    const { context } = this.request
    const startedAt = clock.now()
    let isTold = false
    let isOver = true
    // How it went counts only before the lease is released, which is when the last message is here.
    const tell = (outcome: Outcome, error?: unknown) => {
      this.tell(lease, outcome, error)
      isTold = true
      if (isOver) lease.release()
    }
    const onOver = () => {
      isOver = true
      if (isTold) lease.release()
    }
    try {
      const connection = await this.pools.of(lease).ready(context)
      if (!connection.isOpen) throw new GatewayError('UPSTREAM_CONNECT_FAILED')
      connection.checkRoom()
      isOver = false
      const pending = new PendingCall(id, call, context, { connection, settings: this.settings, onOver })
      connection.ask(pending, call.frame)
      const reply = await pending.reply
      const { status } = reply
      tell({ kind: status >= 500 ? 'failure' : 'success', latencyMs: clock.now() - startedAt, status })
      return reply
    } catch (error) {
      const isTheirs = !(error instanceof GatewayError) || error.side === 'upstream'
      tell({ kind: isTheirs ? 'failure' : 'cancelled', latencyMs: clock.now() - startedAt }, error)
      throw error
    }
  }

  private tell(lease: Lease, outcome: Outcome, error?: unknown): void {
    lease.answered(outcome)
    const { endpoint } = lease
    publish('upstream:attempted', { context: this.request.context, endpoint, attempt: this.attempt, outcome, error })
  }

  private mayAskAgain(error: GatewayError, call: OutgoingCall): boolean {
    if (this.request.context.deadline !== undefined && this.settings.clock.now() >= this.request.context.deadline) return false
    if (!(error instanceof ConnectionLost)) return unreached.has(error.code)
    if (this.isRepeated || !(call.isIdempotent ?? this.settings.idempotent(this.request.context))) return false
    this.isRepeated = true
    return true
  }
}

// Nothing of the call was sent: any other endpoint may be asked.
const unreached: ReadonlySet<string> = new Set([
  'UPSTREAM_CONNECT_FAILED',
  'UPSTREAM_CONNECT_TIMEOUT',
  'UPSTREAM_BAD_RESPONSE',
  'UPSTREAM_CERTIFICATE',
])
