import { randomBytes } from 'node:crypto'
import { type Context, type EventMap, GatewayError, type IncomingRequest, isHeard, publish } from '@gatelet/core'
import { WebSocket } from 'ws'
import { type Frame, frameLength, frameOf } from '../translate/frame.ts'
import { heartbeat } from '../translate/front/heartbeat.ts'
import { type Closed, checkClose } from './close-codes.ts'
import { Inbox } from './inbox.ts'
import { Life } from './life.ts'
import { Outbox } from './outbox.ts'
import { Rate } from './rate.ts'
import type { ConnectionSettings } from './settings.ts'

/**
 * A WebSocket of a client. Its messages are read by `for await`, or taken by `onMessage`; either way one is asked for when the one
 * before is done, and a client that sends faster waits.
 */
export interface WebSocketConnection<S extends object = {}> extends AsyncIterable<Frame> {
  /** Unguessable, unique, and fit for a path. */
  readonly id: string
  /** The handshake. */
  readonly request: IncomingRequest
  /** What the layers in front learned from the handshake. */
  readonly state: Readonly<S>
  /** The subprotocol that was chosen; empty: none. */
  readonly protocol: string
  readonly isOpen: boolean
  /** Bytes that were sent and have not left yet. */
  readonly bufferedBytes: number
  /** Resolves when it is over. */
  readonly closed: Promise<Closed>
  /**
   * Sends a message: a text as text, bytes as binary. Await it, and a client that reads slowly sets the pace: it resolves at once while
   * little waits, else when the message has left.
   * @returns whether the connection was open all the while
   */
  send(message: Frame): Promise<boolean>
  /** Takes each message; the next one when the promise is done. What it throws closes with 1011. */
  onMessage(listener: (message: Frame) => void | Promise<void>): void
  /**
   * Says goodbye, and waits for the client's. Harmless when it is over.
   * @param code default 1000
   * @param reason at most 123 bytes in UTF-8; the client reads it
   * @throws GatewayError `BAD_OPTION` for a code that must not be sent, and for a longer reason
   */
  close(code?: number, reason?: string): void
  /** Breaks it off, without a word. */
  terminate(): void
}

const ID_BYTES = 18

/** An id for a connection. */
export const newId = (): string => randomBytes(ID_BYTES).toString('base64url')

/** A connection over a socket of `ws`, which is open. */
export class OpenConnection<S extends object> implements WebSocketConnection<S> {
  readonly id: string
  readonly closed: Promise<Closed>
  private readonly ctx: Context<S>
  private readonly socket: WebSocket
  private readonly settings: ConnectionSettings
  private readonly inbox: Inbox
  private readonly outbox: Outbox
  private readonly life: Life
  private readonly messages: Rate | undefined
  private readonly bytes: Rate | undefined

  constructor(socket: WebSocket, ctx: Context<S>, id: string, settings: ConnectionSettings) {
    const { clock, messagesPerSecond, bytesPerSecond, burstSeconds, heartbeatMs } = settings
    this.id = id
    this.ctx = ctx
    this.socket = socket
    this.settings = settings
    this.inbox = new Inbox(socket, settings.maxQueued, settings.maxMessageBytes)
    this.outbox = new Outbox(socket, settings.maxBufferedBytes)
    const ends = { ...settings, expiresAt: settings.expiresAt(ctx) }
    this.life = new Life(clock, ends, (code, reason) => this.close(code, reason))
    this.messages = messagesPerSecond === undefined ? undefined : new Rate(messagesPerSecond, burstSeconds, clock)
    this.bytes = bytesPerSecond === undefined ? undefined : new Rate(bytesPerSecond, burstSeconds, clock)
    const stopBeating = heartbeat(socket, clock, heartbeatMs)
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        stopBeating()
        this.life.stop()
        this.inbox.end()
        resolve({ code, reason: reason.toString() })
      })
    })
    this.listen()
  }

  get request(): IncomingRequest {
    return this.ctx.request
  }

  get state(): Readonly<S> {
    return this.ctx.state
  }

  get protocol(): string {
    return this.socket.protocol
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN
  }

  get bufferedBytes(): number {
    return this.socket.bufferedAmount
  }

  send(message: Frame): Promise<boolean> {
    this.life.spoke()
    if (this.isOpen) this.passed('sent', message)
    return this.outbox.send(message)
  }

  onMessage(listener: (message: Frame) => void | Promise<void>): void {
    void this.pump(listener).catch((error: unknown) => this.fail(error))
  }

  [Symbol.asyncIterator](): AsyncIterator<Frame> {
    return {
      next: () => this.inbox.next(),
      // The loop was left before the end: nobody reads any more.
      return: async () => {
        this.close()
        return { done: true, value: undefined }
      },
    }
  }

  close(code = 1000, reason = ''): void {
    checkClose(code, reason)
    // A goodbye is answered on a socket that is read.
    this.socket.close(code, reason)
    if (this.socket.isPaused) this.inbox.end()
    this.socket.resume()
  }

  terminate(): void {
    this.socket.terminate()
  }

  /** Something went wrong on our side. */
  fail(error: unknown): void {
    publish('request:failed', { context: this.ctx, error })
    this.close(1011)
  }

  private async pump(listener: (message: Frame) => void | Promise<void>): Promise<void> {
    for (let next = await this.inbox.next(); !next.done; next = await this.inbox.next()) await listener(next.value)
  }

  private listen(): void {
    const { socket } = this
    // `ws` has closed it by then, with the code that belongs to it; unheard, it would end the process.
    socket.on('error', () => {})
    socket.on('ping', () => {
      if (this.messages?.take(1) === false) this.overRate()
    })
    socket.on('message', (data, isBinary) => {
      // Sent before the client has seen our goodbye.
      if (!this.isOpen) return
      const frame = frameOf(data, isBinary)
      this.life.spoke()
      this.passed('received', frame)
      if (this.messages?.take(1) === false || this.bytes?.take(frameLength(frame)) === false) this.overRate()
      else this.inbox.push(frame)
    })
  }

  private passed(direction: EventMap['websocket:passed']['direction'], frame: Frame): void {
    if (!isHeard('websocket:passed')) return
    publish('websocket:passed', { context: this.ctx, direction, messages: 1, bytes: frameLength(frame) })
  }

  private overRate(): void {
    this.close(this.settings.overRateCode, 'too much was sent')
  }
}

/** The error of a handshake that comes when there are as many connections as may be. */
export const tooMany = (): GatewayError =>
  new GatewayError('OVERLOADED', { message: 'as many WebSockets are open as may be', headers: { 'retry-after': '5' } })
