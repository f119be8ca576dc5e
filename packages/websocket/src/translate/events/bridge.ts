import { type Clock, type EventSender, GatewayError, type ServerEvent } from '@gatelet/core'
import type { WebSocket } from 'ws'
import { type Frame, frameOf, textOf } from '../frame.ts'
import { closeSocket } from '../upstream/dial.ts'

/** One WebSocket that feeds one stream of events. It is paused until the client reads. */
export class Bridge {
  readonly socket: WebSocket
  /** Who opened it, where that is asked for. */
  readonly owner: string | undefined
  isOver = false
  private readonly clock: Clock
  private readonly onOver: () => void
  private closed: { code: number; reason: string } | undefined
  private events: EventSender | undefined
  private retryMs = 0
  private undo = () => {}

  constructor(socket: WebSocket, clock: Clock, owner: string | undefined, onOver: () => void) {
    this.socket = socket
    this.clock = clock
    this.owner = owner
    this.onOver = onOver
    socket.once('open', () => socket.pause())
    socket.once('close', (code: number, reason: Buffer) => {
      this.closed = { code, reason: reason.toString() }
      this.over()
    })
  }

  /**
   * Sends everything that comes as events, at the pace of the client. When the server closes, the client hears of it by an event
   * named `close`.
   * @param retryMs what the client waits when the server is lost
   * @param undo called when it is over
   */
  feed(events: EventSender, toEvents: (frame: Frame) => ServerEvent | readonly ServerEvent[] | undefined, retryMs: number): void {
    this.events = events
    this.retryMs = retryMs
    this.socket.on('message', (data, isBinary) => this.heard(toEvents, frameOf(data, isBinary)))
    if (this.isOver) this.tellEnd()
    else this.socket.resume()
  }

  /** Called when it is over, at once when it is already. */
  onEnd(undo: () => void): void {
    if (this.isOver) undo()
    else this.undo = undo
  }

  /** The client has left, or we have no time for it any more. Harmless when it is over. */
  close(): void {
    this.events = undefined
    if (this.over()) closeSocket(this.socket, this.clock)
  }

  /** Ends the stream, from our side. */
  end(): void {
    this.events?.end()
    this.close()
  }

  private heard(toEvents: (frame: Frame) => ServerEvent | readonly ServerEvent[] | undefined, frame: Frame): void {
    const { events } = this
    if (!events?.isOpen) return
    try {
      let hasRoom = true
      for (const event of listOf(toEvents(frame))) hasRoom = events.send(event)
      if (hasRoom) return
    } catch (error) {
      events.fail(new GatewayError('INTERNAL', { message: 'a message could not be made an event', cause: error }))
      this.close()
      return
    }
    this.socket.pause()
    void events.drained().then(() => this.socket.resume())
  }

  private tellEnd(): void {
    const { events, closed = { code: 1006, reason: '' } } = this
    if (!events) return
    this.events = undefined
    const isInOrder = closed.code === 1000 || closed.code === 1001
    events.send({ event: 'close', data: closed, ...(!isInOrder && { retry: this.retryMs }) })
    events.end()
  }

  /** @returns whether it was open until now */
  private over(): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.undo()
    this.onOver()
    this.tellEnd()
    return true
  }
}

/** A message as one event. */
export const asEvent = (frame: Frame): ServerEvent =>
  typeof frame === 'string' ? { data: frame } : { event: 'binary', data: textOf(frame) }

const listOf = (events: ServerEvent | readonly ServerEvent[] | undefined): readonly ServerEvent[] =>
  events === undefined ? [] : 'length' in events ? events : [events]
