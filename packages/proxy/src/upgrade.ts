import { createHash } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import {
  type Balancer,
  type Context,
  GatewayError,
  type HeaderList,
  isLease,
  type Lease,
  type Reply,
  switchProtocols,
} from '@gatelet/core'
import { askHandler } from './handler-target.ts'
import type { ProxySettings } from './options.ts'
import { refused } from './refused.ts'
import { upstreamHeaders } from './request-headers.ts'
import { replyHeaders } from './response-headers.ts'
import { tunnel } from './tunnel.ts'
import { upstreamError } from './upstream-error.ts'
import type { Upstream, Upstreams } from './upstreams.ts'

/**
 * Forwards a WebSocket handshake (RFC 6455 §4) and, when the upstream agrees, joins the two sockets. The handshake goes
 * by `node:http` on a connection of its own, since a refusal has to come back whole: status, headers and body.
 *
 * Another endpoint is asked only when the connection to the first could not be made.
 */
export async function upgrade(ctx: Context, balancer: Balancer, upstreams: Upstreams, settings: ProxySettings): Promise<Reply> {
  checkHandshake(ctx)
  const headers = upstreamHeaders(ctx.request, settings)
  const tried: Lease['endpoint'][] = []
  for (;;) {
    const lease = await balancer.acquire({ tried, context: ctx })
    if (!isLease(lease)) throw refused(lease)
    const { endpoint, target } = lease
    if ('handler' in target) return askHandler(ctx, lease, target.handler, settings.clock)
    const handshake = new Handshake(ctx, lease, upstreams.of(endpoint, target), target.socketPath, headers, settings)
    try {
      return await handshake.reply
    } catch (error) {
      const isLast = tried.includes(endpoint) || tried.length >= settings.retries
      tried.push(endpoint)
      if (handshake.isConnected || isLast || !(error as GatewayError).retryable) throw error
    }
  }
}

function checkHandshake(ctx: Context): void {
  const { headers } = ctx.request
  const refuse = (detail: string, more: object = {}) => new GatewayError('UPGRADE_REFUSED', { detail, ...more })
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') throw refuse('Only WebSocket can be upgraded to')
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers.get('sec-websocket-key') ?? ''))
    throw refuse('Sec-WebSocket-Key must be 16 bytes in base64')
  if (headers.get('sec-websocket-version') !== '13') {
    throw refuse('Only version 13 of WebSocket is spoken', { headers: { 'sec-websocket-version': '13' } })
  }
}

class Handshake {
  readonly reply: Promise<Reply>
  /** The connection was made, so that the upstream may have seen the request. */
  isConnected = false
  private readonly ctx: Context
  private readonly lease: Lease
  private readonly upstream: Upstream
  private readonly settings: ProxySettings
  private readonly startedAt: number
  private isAnswered = false
  private cancelTimer: () => void = () => {}

  constructor(
    ctx: Context,
    lease: Lease,
    upstream: Upstream,
    socketPath: string | undefined,
    headers: readonly string[],
    settings: ProxySettings,
  ) {
    this.ctx = ctx
    this.lease = lease
    this.upstream = upstream
    this.settings = settings
    this.startedAt = settings.clock.now()
    this.reply = new Promise((resolve, reject) => this.start(socketPath, headers, resolve, reject))
  }

  private start(
    socketPath: string | undefined,
    headers: readonly string[],
    resolve: (reply: Reply) => void,
    reject: (error: GatewayError) => void,
  ): void {
    const { ctx, upstream, settings } = this
    const { origin, host, basePath } = upstream
    const ask = origin.protocol === 'https:' ? httpsRequest : httpRequest
    const { url } = ctx.request
    const request = ask({
      ...(socketPath === undefined ? { host: origin.hostname.replace(/^\[|\]$/g, ''), port: origin.port } : { socketPath }),
      path: basePath + url.path + url.search,
      headers: handshakeHeaders(host, headers) as never,
      agent: false,
      // Passed on to the socket: a half-closed tunnel stays open the other way.
      ...{ allowHalfOpen: true },
    })
    const fail = (error: unknown) => {
      this.cancelTimer()
      const failure = upstreamError(error, { sent: this.isConnected })
      this.answered(failure.side === 'upstream' ? 'failure' : 'cancelled', failure.status)
      this.lease.release()
      request.destroy()
      reject(failure)
    }
    const limit = (ms: number, code: 'UPSTREAM_CONNECT_TIMEOUT' | 'UPSTREAM_HEADERS_TIMEOUT') => {
      this.cancelTimer()
      this.cancelTimer = settings.clock.setTimer(() => fail(new GatewayError(code)), ms)
    }
    limit(settings.connectMs, 'UPSTREAM_CONNECT_TIMEOUT')
    const undoAbort = ctx.onAbort(() => fail(new GatewayError('CLIENT_CLOSED')))
    const settle = (reply: Reply) => {
      this.cancelTimer()
      undoAbort()
      resolve(reply)
    }
    request.on('error', fail)
    request.on('socket', (socket) => {
      socket.once(origin.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        this.isConnected = true
        limit(settings.headersMs, 'UPSTREAM_HEADERS_TIMEOUT')
      })
    })
    request.on('response', (response) => settle(this.refusal(response)))
    request.on('upgrade', (response, socket, head) => {
      // From here on errors come from the socket, and one that nobody hears ends the process.
      socket.on('error', () => socket.destroy())
      if (!this.isRightAnswer(response))
        return fail(new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'the upstream switched protocols wrongly' }))
      settle(this.switched(response, socket, head))
    })
    request.end()
  }

  private refusal(response: IncomingMessage): Reply {
    const status = response.statusCode ?? 502
    this.answered(status >= 500 ? 'failure' : 'success', status)
    response.once('close', () => this.lease.release())
    this.ctx.onFinish(() => response.destroy())
    return { status, headers: this.headersOf(response, status), body: response }
  }

  private switched(response: IncomingMessage, upstream: Duplex, upstreamHead: Buffer): Reply {
    this.answered('success', 101)
    const headers = this.headersOf(response, 101)
    headers.set('connection', 'Upgrade')
    headers.set('upgrade', 'websocket')
    upstream.once('close', () => this.lease.release())
    // Layers may drop the reply, and the client may be gone: then nobody takes the socket.
    this.ctx.onFinish(() => upstream.destroy())
    return {
      status: 101,
      headers,
      body: null,
      upgrade(client: Duplex, clientHead: Buffer, additional: HeaderList) {
        switchProtocols(client, additional)
        if (upstreamHead.length > 0) client.write(upstreamHead)
        if (clientHead.length > 0) upstream.write(clientHead)
        tunnel(client, upstream, () => {})
      },
    }
  }

  private headersOf(response: IncomingMessage, status: number): HeaderList {
    const headers = replyHeaders(response.rawHeaders, status, this.ctx.request, this.upstream, this.settings)
    if (this.lease.replyHeaders) for (const [name, value] of this.lease.replyHeaders) headers.append(name, value)
    return headers
  }

  private isRightAnswer(response: IncomingMessage): boolean {
    const key = this.ctx.request.headers.get('sec-websocket-key') ?? ''
    return response.headers.upgrade?.toLowerCase() === 'websocket' && response.headers['sec-websocket-accept'] === acceptKey(key)
  }

  private answered(kind: 'success' | 'failure' | 'cancelled', status: number): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.lease.answered({ kind, latencyMs: this.settings.clock.now() - this.startedAt, status })
  }
}

function handshakeHeaders(host: string, headers: readonly string[]): string[] {
  const own = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'host') ? [] : ['host', host]
  return [...own, ...headers, 'connection', 'Upgrade', 'upgrade', 'websocket']
}

// RFC 6455 §1.3.
const acceptKey = (key: string) => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
