import {
  atDrain,
  type Balancer,
  bytesOf,
  type Context,
  discard,
  type Endpoint,
  empty,
  eventStream,
  GatewayError,
  type Handler,
  isLease,
  type Lease,
  type Reply,
  refusalError,
  stopReason,
} from '@gatelet/core'
import type { WebSocket } from 'ws'
import { Life } from '../../connection/life.ts'
import type { Frame } from '../frame.ts'
import { dial, HandshakeRefused } from '../upstream/dial.ts'
import { Bridge } from './bridge.ts'
import { frameIn } from './client-message.ts'
import type { SseFromWebSocketOptions } from './sse-options.ts'
import { type SseSettings, sseSettings } from './sse-settings.ts'
import { StreamTokens } from './stream-tokens.ts'

/** A handler that answers with the messages of a WebSocket as server-sent events. */
export interface SseFromWebSocket<S extends object = {}> extends Handler<S> {
  /** Streams that are open. */
  readonly open: number
  /** Ends all streams and closes their connections. A balancer of yours stays open. */
  close(): Promise<void>
}

/**
 * Answers a GET with server-sent events that are the messages of a WebSocket, opened for this client alone and closed as soon
 * as it leaves. The server is asked first: where it refuses, the client gets that answer.
 *
 * With `sending`, the stream begins with an event named `stream`, whose data is `{"token":"…","expiresInMs":…}`; who sends a
 * message POSTs it with that token as `Stream-Token`, to the same process. Text and JSON become a text, other types bytes.
 * @throws GatewayError `BAD_OPTION`
 * @example router.get('/prices', sseFromWebSocket({ endpoints: 'ws://10.0.0.1:4000' }))
 */
export function sseFromWebSocket<S extends object = {}>(options: SseFromWebSocketOptions<S>): SseFromWebSocket<S> {
  const streams = new Streams(sseSettings(options))
  const handler = (ctx: Context<S>) => streams.answer(ctx as Context)
  return Object.defineProperty(Object.assign(handler, { close: () => streams.close() }), 'open', {
    get: () => streams.open,
  }) as SseFromWebSocket<S>
}

interface AboutStream {
  readonly owner: string | undefined
  readonly expiresAt: number | undefined
  onOver(): void
}

class Streams {
  private readonly settings: SseSettings
  private readonly balancer: Balancer
  private readonly tokens: StreamTokens<Bridge>
  private readonly bridges = new Set<Bridge>()
  private readonly closing = new Set<Promise<void>>()
  private isClosed = false

  constructor(settings: SseSettings) {
    this.settings = settings
    this.balancer = settings.endpoints
    this.tokens = new StreamTokens(settings.clock, settings.sending?.tokenMs ?? 900_000)
  }

  get open(): number {
    return this.bridges.size
  }

  async answer(ctx: Context): Promise<Reply> {
    const { method, kind } = ctx.request
    if (kind === 'upgrade') throw new GatewayError('UPGRADE_REFUSED', { detail: 'Only plain requests are answered here' })
    if (method === 'GET') return this.stream(ctx)
    if (method === 'POST' && this.settings.sending) return this.send(ctx)
    throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: this.settings.sending ? 'GET, POST' : 'GET' } })
  }

  async close(): Promise<void> {
    this.isClosed = true
    for (const bridge of [...this.bridges]) bridge.end()
    await Promise.all(this.closing)
  }

  private async stream(ctx: Context): Promise<Reply> {
    discard(ctx.request.body)
    const { settings } = this
    const lastEventId = ctx.request.headers.get('last-event-id')
    if (await settings.isFinished(ctx, lastEventId)) return empty(204)
    if (this.bridges.size >= settings.maxStreams) throw new GatewayError('QUEUE_FULL', { headers: { 'retry-after': '5' } })
    const bridge = await this.connected(ctx)
    if (bridge instanceof HandshakeRefused) return refused(bridge)
    for (const frame of listOf(settings.subscribe(ctx, lastEventId))) bridge.socket.send(frame, () => {})
    return this.replyOf(bridge)
  }

  private replyOf(bridge: Bridge): Reply {
    const { clock, heartbeatMs, retryMs, toEvents, sending } = this.settings
    // Not all at once: those that were lost together are not to come back together.
    const lostMs = retryMs ?? Math.round(2_000 + clock.random() * 2_000)
    const expiresInMs = sending?.tokenMs ?? 900_000
    return eventStream(
      (events) => {
        if (sending) {
          bridge.onEnd(this.tokens.issue(bridge, (token) => events.send({ event: 'stream', data: { token, expiresInMs } })))
        }
        bridge.feed(events, toEvents, lostMs)
        return () => bridge.close()
      },
      { clock, heartbeatMs, ...(retryMs !== undefined && { retryMs }) },
    )
  }

  /** A connection that is open and paused, or how the server refused it; other endpoints are asked when one cannot be reached. */
  private async connected(ctx: Context): Promise<Bridge | HandshakeRefused> {
    const tried: Endpoint[] = []
    for (let lastError: unknown; ; ) {
      if (this.isClosed) throw new GatewayError('DRAINING')
      const lease = await this.balancer.acquire({ tried, context: ctx })
      if (!isLease(lease)) throw lastError ?? refusalError(lease)
      if (tried.includes(lease.endpoint)) {
        lease.release()
        throw lastError
      }
      const error = await this.opened(ctx, lease)
      if (error instanceof Bridge || error instanceof HandshakeRefused) return error
      if (error.side !== 'upstream') throw error
      tried.push(lease.endpoint)
      lastError = error
    }
  }

  private async opened(ctx: Context, lease: Lease): Promise<Bridge | GatewayError> {
    const { settings } = this
    const { clock } = settings
    const startedAt = clock.now()
    const told = (kind: 'success' | 'failure' | 'cancelled', status?: number) =>
      lease.answered({ kind, latencyMs: clock.now() - startedAt, ...(status !== undefined && { status }) })
    let bridge: Bridge | undefined
    let isTold = false
    // How it went counts only before the lease is released.
    const onOver = () => {
      if (isTold) lease.release()
    }
    try {
      // What the options say comes first: when one of them throws, nothing is open yet.
      const asked = { path: settings.path(ctx), headers: settings.headers(ctx) }
      const about = { owner: settings.sending?.owner?.(ctx), expiresAt: settings.expiresAt(ctx), onOver }
      const { socket, opened } = dial({ ...settings, ...asked, target: lease.target })
      bridge = this.bridge(socket, ctx, about)
      const undo = ctx.onAbort(() => bridge?.close())
      await opened.finally(undo)
      told('success', 101)
      return bridge
    } catch (error) {
      if (ctx.signal.aborted) {
        told('cancelled')
        return stopReason(ctx)
      }
      if (!(error instanceof GatewayError)) throw error
      if (error instanceof HandshakeRefused) told(error.reply.status >= 500 ? 'failure' : 'success', error.reply.status)
      else told('failure')
      return error
    } finally {
      isTold = true
      if (bridge?.isOver !== false) lease.release()
    }
  }

  private bridge(socket: WebSocket, ctx: Context, { owner, expiresAt, onOver }: AboutStream): Bridge {
    const { clock } = this.settings
    const bridge: Bridge = new Bridge(socket, clock, owner, () => {
      this.bridges.delete(bridge)
      onOver()
    })
    this.bridges.add(bridge)
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    this.closing.add(closed)
    void closed.then(() => this.closing.delete(closed))
    const stay = atDrain(ctx, clock, () => bridge.end())
    const life = new Life(clock, { idleTimeoutMs: 0, maxLifeMs: 0, expiresAt }, () => bridge.end())
    // For a reply that nobody reads, too.
    ctx.onFinish(() => {
      stay()
      life.stop()
      bridge.close()
    })
    return bridge
  }

  private async send(ctx: Context): Promise<Reply> {
    const { request } = ctx
    const { maxMessageBytes, maxBufferedBytes, sending } = this.settings
    const bridge = this.tokens.streamOf(request.headers.get('stream-token'))
    if (!bridge || (sending?.owner && sending.owner(ctx) !== bridge.owner)) {
      discard(request.body)
      throw new GatewayError('FORBIDDEN', { detail: 'Stream-Token must be the last one that your stream has told' })
    }
    const frame = frameIn(await bytesOf(request.body, maxMessageBytes), request.headers.get('content-type'))
    const { socket } = bridge
    if (socket.bufferedAmount > maxBufferedBytes) throw new GatewayError('OVERLOADED', { headers: { 'retry-after': '1' } })
    await new Promise<void>((resolve, reject) => {
      const lost = (cause: Error) => reject(new GatewayError('UPSTREAM_RESET', { cause }))
      socket.send(frame, (cause) => (cause ? lost(cause) : resolve()))
    })
    return empty(204)
  }
}

const relayed: ReadonlySet<number> = new Set([204, 429, 503])

// A redirect or a page is of no use to who wants events.
function refused(error: HandshakeRefused): Reply {
  const { reply } = error
  if ((reply.status >= 400 && reply.status < 500) || relayed.has(reply.status)) return reply
  throw error
}

const listOf = (frames: Frame | readonly Frame[] | undefined): readonly Frame[] =>
  frames === undefined ? [] : Array.isArray(frames) ? frames : [frames as Frame]
