import { type Flow, GatewayError, type HeaderList, isHopByHop, type Reply, type Sink, type Source } from '@gatelet/core'
import type { ReplyHead } from './reply-head.ts'

/** What a reply is written to: a response of `node:http`, or what stands before it. */
export interface ReplyTarget {
  readonly request: { readonly method: string }
  readonly res: ReplyOutput
  /** The reply that is being written, where its body comes bit by bit. */
  streamed: StreamedReply | undefined
  /** Bytes of the body that were written. Kept by those who tell it in the end. */
  sentBytes?: number
  /** Who says by 'drain' that there is room for more. */
  readonly drainEmitter: DrainEmitter
  /** @param length bytes of the body, where known. @throws GatewayError `BAD_HEADER` */
  writeHead(reply: Reply, length: number | undefined): ReplyHead
  /** The body broke off. */
  replyFailed(error: Error): void
}

/** What of a response carries the body. */
export interface ReplyOutput {
  readonly writableEnded?: boolean
  write(chunk: Uint8Array): boolean
  end(chunk?: Uint8Array): unknown
  flushHeaders(): void
  addTrailers(trailers: [string, string][]): void
  /** Sends what is held back, where something between us and the socket does: the `compression` of Express. */
  flush?(): void
}

/** Tells of 'drain'. */
export interface DrainEmitter {
  on(event: 'drain', listener: () => void): unknown
}

/**
 * A reply whose body comes as it is made: written with the client's back-pressure, broken off visibly when it fails. The
 * head waits for the first byte, but not beyond this tick: so a body that fails at once still becomes an error reply, and
 * a stream that is silent for now (server-sent events) is seen to have begun.
 */
export class StreamedReply implements Sink {
  private readonly target: ReplyTarget
  private readonly reply: Reply
  private readonly source: Source
  private flow: Flow | undefined
  private isOpen = false
  private isOver = false
  private isChunked = false
  private isLive = false
  private awaitsDrain = false
  private listensForDrain = false
  private promised: number | undefined
  private sent = 0

  constructor(target: ReplyTarget, reply: Reply, source: Source) {
    this.target = target
    this.reply = reply
    this.source = source
  }

  /** @throws GatewayError `BODY_USED`, `BAD_HEADER`: nothing was written then */
  start(): void {
    const { target, source } = this
    target.streamed = this
    this.flow = source.pipeTo(this)
    if (!this.opens()) return
    if (this.sent === 0) target.res.flushHeaders()
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.byteLength === 0 || !this.opens()) return true
    this.sent += chunk.byteLength
    if (this.promised !== undefined && this.sent > this.promised) {
      this.breakOff(new GatewayError('BAD_REPLY', { message: `the body has more than the ${this.promised} bytes announced` }))
      return true
    }
    this.target.sentBytes = this.sent
    const { res } = this.target
    const hasRoom = res.write(chunk)
    if (this.isLive) res.flush?.()
    if (hasRoom) return true
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
    this.target.res.end()
  }

  fail(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.target.replyFailed(error)
  }

  /** Nobody wants the rest. */
  cancel(): void {
    this.isOver = true
    this.source.cancel()
  }

  // Only bodies that meet back-pressure pay for a listener. One for all: a response that other code has wrapped may not take
  // off what was added by `once`.
  private awaitDrain(): void {
    this.awaitsDrain = true
    if (this.listensForDrain) return
    this.listensForDrain = true
    this.target.drainEmitter.on('drain', () => {
      if (!this.awaitsDrain || this.isOver) return
      this.awaitsDrain = false
      this.flow?.resume()
    })
  }

  private addTrailers(trailers: HeaderList): boolean {
    try {
      this.target.res.addTrailers(sendable(trailers))
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
      const { isChunked, contentLength } = this.target.writeHead(this.reply, this.source.length)
      this.isChunked = isChunked
      this.promised = contentLength
      this.isLive = /^\s*text\/event-stream\b/i.test(this.reply.headers.get('content-type') ?? '')
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
