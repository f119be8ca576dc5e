import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '@gatelet/core'
import { closeFrame, FrameBoundary } from './frame-boundary.ts'

// A peer that vanished without a word is noticed after some minutes.
const KEEP_ALIVE_MS = 60_000

// How long a client may take to close after it was told to.
const CLOSING_MS = 5_000

// RFC 6455 §7.4.2 and the registry beside it.
const SERVICE_RESTART = 1012
const INTERNAL_ERROR = 1011

const tunnelOf: unique symbol = Symbol('gatelet.tunnel')

/** A side of a tunnel, which leads to it: one function for all tunnels listens, where each would need ten of its own. */
type Side = Duplex & { [tunnelOf]?: Tunnel }

/** Hears of messages that pass, with the bytes of their frames. */
export type Passed = (direction: 'received' | 'sent', messages: number, bytes: number) => void

/**
 * Passes bytes between a client and an upstream until both are done, with back-pressure, half-closes and errors of one side told to
 * the other. Of the WebSocket it follows the frames of the upstream by their heads, so that a Close frame of ours can be put between
 * two of them; nothing is changed, checked or held back. Nothing is passed before the next turn of the event loop, so what must go
 * first can still be written.
 */
export class Tunnel {
  /** Called once, when the upstream's side is closed. */
  onOver: () => void = nothing
  private readonly client: Duplex
  private readonly upstream: Duplex
  private readonly clock: Clock
  private readonly frames = new FrameBoundary()
  private readonly clientFrames: FrameBoundary | undefined
  private readonly passed: Passed | undefined
  private isLeaving = false
  /** It is closed in a while, whatever comes. */
  private isClosing = false
  /** Our Close frame was sent: nothing may follow it (RFC 6455 §5.5.1). */
  private isTold = false
  private leaveAt = Number.POSITIVE_INFINITY
  /** To leave, and then to close. */
  private cancelTimer: (() => void) | undefined

  /** @param passed is told of messages; where there is none, what the client sends is not looked at */
  constructor(client: Duplex, upstream: Duplex, clock: Clock, passed?: Passed) {
    this.passed = passed
    if (passed) this.clientFrames = new FrameBoundary()
    this.client = client
    this.upstream = upstream
    this.clock = clock
    this.listen(client, Tunnel.fromClient)
    this.listen(upstream, Tunnel.fromUpstream)
  }

  private static readonly fromClient = {
    data(this: Side, chunk: Buffer): void {
      this[tunnelOf]?.toUpstream(chunk)
    },
    end(this: Side): void {
      this[tunnelOf]?.upstream.end()
    },
    error(this: Side): void {
      this[tunnelOf]?.close()
    },
    drain(this: Side): void {
      this[tunnelOf]?.upstream.resume()
    },
    close(this: Side): void {
      this[tunnelOf]?.clientClosed()
    },
  }

  private static readonly fromUpstream = {
    data(this: Side, chunk: Buffer): void {
      this[tunnelOf]?.toClient(chunk)
    },
    end(this: Side): void {
      this[tunnelOf]?.upstreamEnded()
    },
    error(this: Side): void {
      this[tunnelOf]?.upstreamBroke()
    },
    drain(this: Side): void {
      this[tunnelOf]?.client.resume()
    },
    // What passes is written to one side and read from the other, so that one timer sees it all.
    timeout(this: Side): void {
      this[tunnelOf]?.close()
    },
    close(this: Side): void {
      this[tunnelOf]?.upstreamClosed()
    },
  }

  private listen(side: Side, listeners: Readonly<Record<string, (this: Side, chunk: Buffer) => void>>): void {
    side[tunnelOf] = this
    for (const event in listeners) side.on(event, listeners[event] as (this: Side, chunk: Buffer) => void)
    if (side instanceof Socket) side.setKeepAlive(true, KEEP_ALIVE_MS)
  }

  /** Closes both sides when nothing has passed for so long; 0: never. */
  limitIdle(ms: number): void {
    if (this.upstream instanceof Socket) this.upstream.setTimeout(ms)
  }

  /** What of the upstream came with its 101. */
  begin(chunk: Buffer): void {
    this.follow(chunk)
    this.client.write(chunk)
  }

  /**
   * Tells the client to come again elsewhere (close code 1012), as soon as the frame on its way has passed. The upstream sees the
   * client's answer. Where that does not come in five seconds, both sides are closed, and also where the frames of the upstream
   * cannot be followed.
   */
  leave(): void {
    if (this.isLeaving) return
    this.isLeaving = true
    this.cancelTimer = undefined
    if (this.frames.isHere || this.frames.hasClosed) this.tellToLeave()
    else if (this.frames.isLost) this.closeSoon()
  }

  /** The same after `delayMs`, or when another call said so if that is sooner. */
  leaveIn(delayMs: number): void {
    const at = this.clock.now() + delayMs
    if (this.isLeaving || at >= this.leaveAt) return
    this.leaveAt = at
    this.cancelTimer?.()
    this.cancelTimer = undefined
    if (delayMs === 0) this.leave()
    else this.cancelTimer = this.clock.setTimer(() => this.leave(), delayMs)
  }

  close(): void {
    this.isLeaving = true
    this.cancelTimer?.()
    this.client.destroy()
    this.upstream.destroy()
  }

  private toClient(chunk: Buffer): void {
    if (this.isTold) return
    if (this.isLeaving) this.lastToClient(chunk)
    else {
      this.follow(chunk)
      this.write(chunk)
    }
  }

  private follow(chunk: Buffer): void {
    const before = this.frames.messages
    this.frames.pass(chunk)
    this.passed?.('sent', this.frames.messages - before, chunk.length)
  }

  private lastToClient(chunk: Buffer): void {
    const end = this.frames.passFrame(chunk)
    this.write(chunk.subarray(0, end))
    if (this.frames.isHere) this.tellToLeave()
    else if (this.frames.isLost) this.closeSoon()
  }

  private write(chunk: Buffer): void {
    if (!this.client.write(chunk)) this.upstream.pause()
  }

  private toUpstream(chunk: Buffer): void {
    if (!this.upstream.writable) return
    this.heard(chunk)
    if (!this.upstream.write(chunk)) this.client.pause()
  }

  /** What the client has sent. */
  heard(chunk: Buffer): void {
    const { clientFrames, passed } = this
    if (!clientFrames || !passed) return
    const before = clientFrames.messages
    clientFrames.pass(chunk)
    passed('received', clientFrames.messages - before, chunk.length)
  }

  private tellToLeave(): void {
    this.tell(SERVICE_RESTART)
    // What else it sends is not for the client any more, but must not keep its own end from coming.
    this.upstream.resume()
    this.closeSoon()
  }

  private tell(code: number): void {
    if (this.isTold || this.frames.hasClosed || !this.frames.isHere || !this.client.writable) return
    this.isTold = true
    this.client.write(closeFrame(code))
  }

  // Without a Close frame the upstream did not mean to: it was killed, most likely.
  private upstreamEnded(): void {
    this.tell(INTERNAL_ERROR)
    this.client.end()
  }

  private upstreamBroke(): void {
    this.upstreamEnded()
    this.closeSoon()
  }

  private clientClosed(): void {
    const { upstream } = this
    // What is not sent yet still goes out, when this side ended in order.
    if (upstream.writableEnded && !upstream.writableFinished && !upstream.destroyed) upstream.once('finish', () => this.close())
    else this.close()
  }

  private upstreamClosed(): void {
    const { client } = this
    this.onOver()
    if (!client.writableEnded || client.destroyed) {
      this.close()
      return
    }
    // It still has our last bytes to read. Closed at once, what it is sending would reset the connection and take them with it.
    client.resume()
    this.closeSoon()
  }

  private closeSoon(): void {
    if (this.isClosing) return
    this.isLeaving = this.isClosing = true
    this.cancelTimer?.()
    this.cancelTimer = this.clock.setTimer(() => this.close(), CLOSING_MS)
  }
}

function nothing(): void {}
