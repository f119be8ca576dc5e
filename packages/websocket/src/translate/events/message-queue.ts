import { bytesOf, type Clock, type Context, discard, GatewayError, type Handler, type Reply } from '@gatelet/core'
import type { WebSocket } from 'ws'
import { type Frame, isJson } from '../frame.ts'
import { plainHeaders, type SubRequest, subRequest } from '../front/sub-request.ts'

/** The messages of one client on their way to a handler: one after the other, and no more than so many. */
export class MessageQueue {
  /** What the events have told, to be sent along. */
  token: string | undefined
  private readonly frames: Frame[] = []
  private readonly socket: WebSocket
  private readonly post: (frame: Frame, token: string | undefined) => SubRequest
  private readonly maxQueued: number
  private under: SubRequest | undefined
  private isClosed = false

  constructor(socket: WebSocket, ctx: Context, sendTo: Handler, settings: { maxQueued: number; clock: Clock }) {
    this.socket = socket
    this.maxQueued = settings.maxQueued
    this.post = (frame, token) => {
      const headers = plainHeaders(ctx).set('content-type', typeOf(frame))
      if (token !== undefined) headers.set('stream-token', token)
      return subRequest(ctx, sendTo, { method: 'POST', headers, body: frame }, settings.clock)
    }
  }

  push(frame: Frame): void {
    this.frames.push(frame)
    if (this.frames.length >= this.maxQueued) this.socket.pause()
    if (!this.under) void this.work()
  }

  close(): void {
    this.isClosed = true
    this.frames.length = 0
    this.under?.abort()
  }

  private async work(): Promise<void> {
    for (let frame = this.frames.shift(); frame !== undefined && !this.isClosed; frame = this.frames.shift()) {
      if (this.socket.isPaused && this.frames.length < this.maxQueued / 2) this.socket.resume()
      this.under = this.post(frame, this.token)
      const status = await statusOf(this.under)
      if (status >= 400 && !this.isClosed) this.socket.send(JSON.stringify({ error: { status } }), () => {})
    }
    this.under = undefined
  }
}

/** What became of a message; 413 and the like, or that of the error. Never rejects. */
async function statusOf(asked: SubRequest): Promise<number> {
  try {
    const reply = await asked.reply
    await ended(reply)
    asked.finish('finished', reply.status)
    return reply.status
  } catch (error) {
    const status = error instanceof GatewayError ? error.status : 500
    asked.finish('failed', status, error)
    return status
  }
}

const MAX_ANSWER_BYTES = 65_536

// Read to its end where it is short, so that the connection to the server can be used again.
async function ended({ body }: Reply): Promise<void> {
  await bytesOf(body, MAX_ANSWER_BYTES).catch(() => discard(body))
}

function typeOf(frame: Frame): string {
  if (typeof frame !== 'string') return 'application/octet-stream'
  return isJson(frame) ? 'application/json' : 'text/plain; charset=utf-8'
}
