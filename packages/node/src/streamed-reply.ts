import { type Flow, GatewayError, type HeaderList, isHopByHop, type Reply, type Sink, type Source } from '@gatelet/core'
import type { HttpExchange } from './exchange.ts'
import { writeHead } from './write-reply.ts'

/**
 * A reply whose body comes as it is made: written with the client's back-pressure, broken off visibly when it fails. The
 * head waits for the first byte, but not beyond this tick: so a body that fails at once still becomes an error reply, and
 * a stream that is silent for now (server-sent events) is seen to have begun.
 */
export class StreamedReply implements Sink {
  private readonly exchange: HttpExchange
  private readonly reply: Reply
  private readonly source: Source
  private flow: Flow | undefined
  private isOpen = false
  private isOver = false
  private isChunked = false
  private awaitsDrain = false
  private promised: number | undefined
  private sent = 0

  constructor(exchange: HttpExchange, reply: Reply, source: Source) {
    this.exchange = exchange
    this.reply = reply
    this.source = source
  }

  /** @throws GatewayError `BODY_USED`, `BAD_HEADER`: nothing was written then */
  start(): void {
    const { exchange, source } = this
    exchange.streamed = this
    this.flow = source.pipeTo(this)
    if (!this.opens()) return
    if (this.sent === 0) exchange.res.flushHeaders()
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.byteLength === 0 || !this.opens()) return true
    this.sent += chunk.byteLength
    if (this.promised !== undefined && this.sent > this.promised) {
      this.breakOff(new GatewayError('BAD_REPLY', { message: `the body has more than the ${this.promised} bytes announced` }))
      return true
    }
    if (this.exchange.res.write(chunk)) return true
    this.awaitDrain()
    return false
  }

  end(trailers?: HeaderList): void {
    if (!this.opens()) return
    const { promised, sent } = this
    if (promised !== undefined && sent < promised) {
      this.breakOff(new GatewayError('BAD_REPLY', { message: `the body has ${sent} of the ${promised} bytes announced` }))
      return
    }
    if (trailers && this.isChunked && !this.addTrailers(trailers)) return
    this.isOver = true
    this.exchange.res.end()
  }

  fail(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.exchange.replyFailed(error)
  }

  /** Nobody wants the rest. */
  cancel(): void {
    this.isOver = true
    this.source.cancel()
  }

  // Only bodies that meet back-pressure pay for a listener.
  private awaitDrain(): void {
    if (this.awaitsDrain) return
    this.awaitsDrain = true
    this.exchange.drainEmitter.once('drain', () => {
      this.awaitsDrain = false
      if (!this.isOver) this.flow?.resume()
    })
  }

  private addTrailers(trailers: HeaderList): boolean {
    try {
      this.exchange.res.addTrailers(sendable(trailers))
      return true
    } catch (cause) {
      this.breakOff(new GatewayError('BAD_HEADER', { cause }))
      return false
    }
  }

  private breakOff(error: GatewayError): void {
    this.source.cancel()
    this.fail(error)
  }

  /** Writes the head before the first byte. @returns whether more may be written */
  private opens(): boolean {
    if (this.isOpen || this.isOver) return !this.isOver
    this.isOpen = true
    try {
      const { isChunked, contentLength } = writeHead(this.exchange, this.reply, this.source.length)
      this.isChunked = isChunked
      this.promised = contentLength
    } catch (error) {
      this.breakOff(error as GatewayError)
    }
    return !this.isOver
  }
}

// RFC 9110 §6.5.1: what frames, routes or authenticates a message has no place behind it.
function sendable(trailers: HeaderList): [string, string][] {
  return [...trailers].filter(([name]) => !isHopByHop(name) && !neverTrailers.has(name.toLowerCase())) as [string, string][]
}

const neverTrailers: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-range',
  'content-type',
  'host',
  'authorization',
  'set-cookie',
  'location',
  'retry-after',
  'cache-control',
])
