import { type Context, GatewayError } from '@gatelet/core'
import { WebSocket } from 'ws'
import { Life } from '../../connection/life.ts'
import type { ReceivedEvent } from '../event-parser.ts'
import { type Frame, frameOf } from '../frame.ts'
import { heartbeat } from '../front/heartbeat.ts'
import { closeSocket } from '../upstream/dial.ts'
import { type AskedEvents, askForEvents, type EventQuestion, type OpenEvents } from './asked-events.ts'
import { MessageQueue } from './message-queue.ts'
import type { WebSocketFromSseSettings } from './web-socket-from-sse.ts'

// What a stream may ask for: not to be asked without a pause, and not never again.
const MIN_RETRY_MS = 100
const MAX_RETRY_MS = 86_400_000

/** One client that gets events as messages, until it leaves or there are no more. */
export class EventMessages {
  private readonly socket: WebSocket
  private readonly ctx: Context
  private readonly settings: WebSocketFromSseSettings
  private readonly queue: MessageQueue | undefined
  private events: OpenEvents | undefined
  private question: EventQuestion | undefined
  private lastEventId: string
  private retryMs: number
  private failures = 0
  private stopTimer = () => {}
  private isOver = false

  constructor(socket: WebSocket, ctx: Context, settings: WebSocketFromSseSettings, lastEventId: string) {
    this.socket = socket
    this.ctx = ctx
    this.settings = settings
    this.lastEventId = lastEventId
    this.retryMs = settings.retryMs
    if (settings.sendTo) this.queue = new MessageQueue(socket, ctx, settings.sendTo, settings)
    const ends = { idleTimeoutMs: 0, maxLifeMs: 0, expiresAt: settings.expiresAt(ctx) }
    const life = new Life(settings.clock, ends, (code) => this.close(code))
    const stopHeart = heartbeat(socket, settings.clock, settings.heartbeatMs)
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => this.heard(frameOf(data, isBinary)))
    socket.once('close', () => {
      stopHeart()
      life.stop()
      this.leave()
    })
  }

  read({ read }: AskedEvents): void {
    this.events = read?.({
      event: (event) => this.tell(event),
      retry: (ms) => {
        this.retryMs = Math.min(Math.max(ms, MIN_RETRY_MS), MAX_RETRY_MS)
      },
      over: (error) => this.ended(error),
      maxBytes: this.settings.maxMessageBytes,
      silenceMs: this.settings.silenceMs,
      clock: this.settings.clock,
      lastEventId: this.lastEventId,
    })
    // Over at once, and asked again already.
    if (this.isOver) this.leave()
  }

  close(code: number): void {
    this.leave()
    closeSocket(this.socket, this.settings.clock, code)
  }

  private tell(event: ReceivedEvent): void {
    this.failures = 0
    this.lastEventId = event.id
    if (this.isToken(event)) return
    const frame = this.messageOf(event)
    if (frame === undefined || this.socket.readyState !== WebSocket.OPEN) return
    this.socket.send(frame, () => this.sent())
    if (this.socket.bufferedAmount > this.settings.maxBufferedBytes) this.events?.pause()
  }

  private messageOf(event: ReceivedEvent): Frame | undefined {
    try {
      return this.settings.toMessage(event)
    } catch (cause) {
      process.emitWarning(
        `an event could not be made a message: ${(cause as Error | undefined)?.stack ?? cause}`,
        'GateletWarning',
      )
      this.close(1011)
      return undefined
    }
  }

  private sent(): void {
    if (this.socket.bufferedAmount <= this.settings.maxBufferedBytes / 2) this.events?.resume()
  }

  // As `sseFromWebSocket` tells it.
  private isToken({ event, data }: ReceivedEvent): boolean {
    if (event !== 'stream' || !this.queue) return false
    try {
      const { token } = JSON.parse(data)
      if (typeof token !== 'string' || !/^[\x21-\x7e]{1,1000}$/.test(token)) return false
      this.queue.token = token
      return true
    } catch {
      return false
    }
  }

  private heard(frame: Frame): void {
    if (this.queue) this.queue.push(frame)
    else this.close(1003)
  }

  private ended(error: Error | undefined): void {
    this.events = undefined
    if (this.isOver) return
    if (error instanceof GatewayError && error.code === 'RESPONSE_TOO_LARGE') this.close(1011)
    else if (this.settings.resume) this.askLater(error !== undefined)
    else this.close(error ? 1014 : 1000)
  }

  private askLater(isFailure: boolean): void {
    if (isFailure) this.failures++
    if (this.failures > this.settings.maxFailures) {
      this.close(1014)
      return
    }
    const { clock } = this.settings
    this.stopTimer = clock.setTimer(() => void this.ask(), (this.retryMs * (1 + clock.random())) / 2)
  }

  private async ask(): Promise<void> {
    const { from, clock } = this.settings
    this.question = askForEvents(this.ctx, from, this.lastEventId, clock)
    try {
      const answer = await this.question.answer
      this.question = undefined
      if (this.isOver) answer.drop()
      else if (answer.read) this.read(answer)
      else this.refused(answer)
    } catch {
      this.question = undefined
      if (!this.isOver) this.askLater(true)
    }
  }

  private refused({ reply, drop }: AskedEvents): void {
    const { status } = reply
    drop()
    if (status === 204) this.close(1000)
    else if (status === 401 || status === 403) this.close(1008)
    else if (status >= 500 || status === 429 || status === 408) this.askLater(true)
    else this.close(1014)
  }

  /** Everything that is open for this client is left. */
  private leave(): void {
    this.isOver = true
    this.stopTimer()
    this.question?.abort()
    this.events?.close()
    this.events = undefined
    this.queue?.close()
  }
}
