import { GatewayError } from '@gatelet/core'

/** One event as a client of `text/event-stream` gets it. */
export interface ReceivedEvent {
  /** `message` where the stream gives no name. */
  readonly event: string
  /** Its lines, joined by LF. */
  readonly data: string
  /** The last id that the stream told, with this event or before; empty when it told none. */
  readonly id: string
}

/** Who hears what a stream says. */
export interface EventReceiver {
  event(event: ReceivedEvent): void
  /** Milliseconds to wait before connecting again. */
  retry?(ms: number): void
}

/**
 * Reads `text/event-stream` (HTML §9.2.5 and §9.2.6) from bytes that are cut anywhere. An event that the stream does not end is
 * none, as the standard has it.
 */
export class EventParser {
  private readonly listener: EventReceiver
  private readonly maxBytes: number
  // Takes a byte order mark off, and makes U+FFFD of what is no UTF-8.
  private readonly decoder = new TextDecoder()
  // Of its own: who hears an event may feed another parser with it.
  private readonly lineEnd = /\r\n|\r|\n/g
  private line = ''
  private endedByCr = false
  private data = ''
  private name = ''
  private idBuffer: string
  private id: string

  /**
   * @param maxBytes about how long one event may be; counted in characters
   * @param lastEventId of the stream before, where this one goes on from there
   */
  constructor(listener: EventReceiver, maxBytes: number, lastEventId = '') {
    this.listener = listener
    this.maxBytes = maxBytes
    this.idBuffer = this.id = lastEventId
  }

  /** What to send as `Last-Event-ID` when the stream is asked for again. */
  get lastEventId(): string {
    return this.id
  }

  /** @throws GatewayError `RESPONSE_TOO_LARGE` for an event beyond the bound; the parser is of no use then */
  push(chunk: Uint8Array): void {
    const text = this.decoder.decode(chunk, { stream: true })
    let from = this.endedByCr && text.startsWith('\n') ? 1 : 0
    if (text !== '') this.endedByCr = false
    const { lineEnd } = this
    lineEnd.lastIndex = from
    for (let end = lineEnd.exec(text); end; end = lineEnd.exec(text)) {
      this.takeLine(this.line + text.slice(from, end.index))
      this.line = ''
      from = lineEnd.lastIndex
      // The LF of a CRLF may come with the next chunk.
      this.endedByCr = end[0] === '\r' && from === text.length
    }
    this.line += text.slice(from)
    this.check(this.line.length)
  }

  private takeLine(line: string): void {
    if (line === '') {
      this.dispatch()
      return
    }
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') this.addData(value)
    else if (field === 'event') this.name = value
    else if (field === 'id' && !value.includes('\0')) this.idBuffer = value
    else if (field === 'retry' && /^\d{1,15}$/.test(value)) this.listener.retry?.(Number(value))
  }

  private addData(value: string): void {
    this.data += `${value}\n`
    this.check(this.data.length)
  }

  private dispatch(): void {
    const { data, name } = this
    this.id = this.idBuffer
    this.data = this.name = ''
    if (data !== '') this.listener.event({ event: name || 'message', data: data.slice(0, -1), id: this.id })
  }

  private check(length: number): void {
    if (length <= this.maxBytes) return
    throw new GatewayError('RESPONSE_TOO_LARGE', { message: `an event has more than ${this.maxBytes} bytes` })
  }
}
