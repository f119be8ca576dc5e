import { createHash } from 'node:crypto'
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type Context,
  GatewayError,
  type HeaderList,
  isHeard,
  type Lease,
  publish,
  type Reply,
  stopReason,
  switchProtocols,
} from '@gatelet/core'
import { type AttemptAt, attempted, released } from '../attempted.ts'
import type { ProxySettings } from '../options.ts'
import { checkedStatus } from '../response-head.ts'
import { replyHeaders } from '../response-headers.ts'
import { upstreamError } from '../upstream-error.ts'
import type { Upstream } from '../upstreams.ts'
import type { OpenTunnels } from './open-tunnels.ts'
import { type Passed, Tunnel } from './tunnel.ts'

/** What one handshake needs to know. */
export interface HandshakeAttempt extends AttemptAt {
  readonly upstream: Upstream
  readonly settings: ProxySettings
  readonly tunnels: OpenTunnels
  /** When the answer must have begun, in monotonic milliseconds. */
  readonly deadline: number
}

/**
 * One handshake with one endpoint. It goes by `node:http`, over TLS too, on a connection of its own, since a refusal has to come back
 * whole: status, headers and body. When the upstream agrees, the two sockets are joined; the lease lasts as long as they do.
 */
export class Handshake {
  /** The connection was made, so that the upstream may have seen the request. */
  isConnected = false
  private readonly attempt: HandshakeAttempt
  private readonly startedAt: number
  private request: ClientRequest | undefined
  private isSettled = false
  private resolve: (reply: Reply) => void = () => {}
  private reject: (error: GatewayError) => void = () => {}
  private cancelTimer: () => void = () => {}
  private undoAbort: () => void = () => {}
  private stopConnecting: () => void = () => {}

  constructor(attempt: HandshakeAttempt) {
    this.attempt = attempt
    this.startedAt = attempt.settings.clock.now()
  }

  /** @throws GatewayError when there is no answer */
  ask(headers: readonly string[]): Promise<Reply> {
    const { ctx, settings, upstream, tunnels } = this.attempt
    tunnels.watch()
    return new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
      this.undoAbort = ctx.onAbort(() => this.fail(stopReason(ctx)))
      this.limit(settings.connectMs, 'UPSTREAM_CONNECT_TIMEOUT')
      try {
        checkFields(headers)
      } catch (error) {
        this.fail(error)
        return
      }
      // Half open: a tunnel of which one side has ended stays open the other way.
      this.stopConnecting = upstream.connect({ protocol: 'http/1.1', allowHalfOpen: true }, (error, socket) => {
        if (error) this.fail(error)
        else this.connected(socket as Socket, headers)
      })
    })
  }

  private connected(socket: Socket, headers: readonly string[]): void {
    this.isConnected = true
    this.limit(this.attempt.settings.headersMs, 'UPSTREAM_HEADERS_TIMEOUT')
    try {
      this.send(socket, headers)
    } catch (error) {
      socket.destroy()
      this.fail(error)
    }
  }

  private send(socket: Socket, headers: readonly string[]): void {
    const { upstream, ctx } = this.attempt
    const { url } = ctx.request
    const request = httpRequest({
      createConnection: () => socket,
      path: upstream.basePath + url.path + url.search,
      headers: handshakeHeaders(upstream.host, headers) as never,
    })
    this.request = request
    request.on('error', (error) => this.fail(error))
    request.once('response', (response) => this.settle(() => this.refusal(response)))
    request.once('upgrade', (response, socket, head) => this.settle(() => this.switched(response, socket, head)))
    request.end()
  }

  private limit(ms: number, code: 'UPSTREAM_CONNECT_TIMEOUT' | 'UPSTREAM_HEADERS_TIMEOUT'): void {
    const { clock } = this.attempt.settings
    const left = Math.max(0, this.attempt.deadline - clock.now())
    this.cancelTimer()
    this.cancelTimer = clock.setTimer(
      () => this.fail(new GatewayError(left < ms ? 'DEADLINE_EXCEEDED' : code)),
      Math.min(ms, left),
    )
  }

  private settle(answer: () => Reply): void {
    if (this.isSettled) return
    try {
      const reply = answer()
      this.over({ status: reply.status })
      this.resolve(reply)
      this.letGo()
    } catch (error) {
      this.fail(error)
    }
  }

  private fail(error: unknown): void {
    if (this.isSettled) return
    const failure = upstreamError(error, { sent: this.isConnected, hasHead: false })
    this.over(failure)
    released(this.attempt.lease)
    this.attempt.tunnels.unwatch()
    this.stopConnecting()
    this.request?.destroy()
    this.reject(failure)
    this.letGo()
  }

  // Listeners of the socket, which may live for days, hold this one: it holds nothing that is not needed any more.
  private letGo(): void {
    this.request = undefined
    this.resolve = this.reject = this.cancelTimer = this.undoAbort = this.stopConnecting = nothing
  }

  private over(how: GatewayError | { status: number }): void {
    this.isSettled = true
    this.cancelTimer()
    this.undoAbort()
    const latencyMs = this.attempt.settings.clock.now() - this.startedAt
    const { status } = how
    if (!(how instanceof GatewayError))
      attempted(this.attempt, { kind: status >= 500 ? 'failure' : 'success', latencyMs, status })
    else attempted(this.attempt, { kind: isFault(how) ? 'failure' : 'cancelled', latencyMs, status }, how)
  }

  private refusal(response: IncomingMessage): Reply {
    const { ctx, lease, settings, tunnels } = this.attempt
    const status = checkedStatus(response.statusCode ?? 0)
    const headers = this.headersOf(response, status)
    tunnels.unwatch()
    // Not while the client is the slow one.
    const idle = () => response.isPaused() || response.destroy(new GatewayError('UPSTREAM_BODY_TIMEOUT'))
    response.setTimeout(settings.bodyIdleMs, idle)
    response.once('close', () => released(lease))
    ctx.onFinish(() => response.destroy())
    return { status, headers, body: response }
  }

  private switched(response: IncomingMessage, upstream: Duplex, upstreamHead: Buffer): Reply {
    const { ctx, lease, settings, tunnels } = this.attempt
    // From here on errors come from the socket, and one that nobody hears ends the process.
    upstream.on('error', nothing)
    if (!this.isRightAnswer(response)) {
      upstream.destroy()
      throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'the upstream switched protocols wrongly' })
    }
    const headers = this.headersOf(response, 101).set('connection', 'Upgrade').set('upgrade', 'websocket')
    givenBackAtClose(upstream, lease, tunnels)
    const keep = dropAtFinish(ctx, upstream)
    return {
      status: 101,
      headers,
      body: null,
      upgrade(client: Duplex, clientHead: Buffer, additional: HeaderList) {
        // Lost while layers had the reply: its 'close' was told already.
        if (upstream.destroyed) throw new GatewayError('UPSTREAM_RESET')
        const tunnel = new Tunnel(client, upstream, settings.clock, passedFor(ctx))
        // From here on the client's end is the upstream's.
        keep()
        tunnels.add(tunnel, lease.endpoint, ctx)
        tunnel.limitIdle(settings.upgradeIdleMs)
        switchProtocols(client, additional)
        if (upstreamHead.length > 0) tunnel.begin(upstreamHead)
        if (clientHead.length === 0) return
        tunnel.heard(clientHead)
        upstream.write(clientHead)
      },
    }
  }

  private headersOf(response: IncomingMessage, status: number): HeaderList {
    const { ctx, upstream, settings, lease } = this.attempt
    const headers = replyHeaders(response.rawHeaders, status, ctx.request, upstream, settings)
    if (lease.replyHeaders) for (const [name, value] of lease.replyHeaders) headers.append(name, value)
    return headers
  }

  private isRightAnswer(response: IncomingMessage): boolean {
    const key = this.attempt.ctx.request.headers.get('sec-websocket-key') ?? ''
    return response.headers.upgrade?.toLowerCase() === 'websocket' && response.headers['sec-websocket-accept'] === acceptKey(key)
  }
}

// What listens as long as the socket lasts is made in functions of its own: made in `switched`, it would keep all that is known there.
function givenBackAtClose(upstream: Duplex, lease: Lease, tunnels: OpenTunnels): void {
  upstream.on('close', () => {
    released(lease)
    tunnels.unwatch()
  })
}

// Layers may drop the reply, and the client may be gone: then nobody takes the socket.
function dropAtFinish(ctx: Context, upstream: Duplex): () => void {
  return ctx.onFinish(() => upstream.destroy())
}

// Following the client's frames costs something: not where nobody wants to know.
function passedFor(context: Context): Passed | undefined {
  if (!isHeard('websocket:passed')) return undefined
  return (direction, messages, bytes) => publish('websocket:passed', { context, direction, messages, bytes })
}

function handshakeHeaders(host: string, headers: readonly string[]): string[] {
  const own = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'host') ? [] : ['host', host]
  return [...own, ...headers, 'connection', 'Upgrade', 'upgrade', 'websocket']
}

// Node would, but not before there is a connection.
function checkFields(headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) {
    validateHeaderName(headers[i] as string)
    validateHeaderValue(headers[i] as string, headers[i + 1] as string)
  }
}

const nothing = () => {}

const isFault = ({ side, code }: GatewayError) => side === 'upstream' || code === 'DEADLINE_EXCEEDED'

// RFC 6455 §1.3.
const acceptKey = (key: string) => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
