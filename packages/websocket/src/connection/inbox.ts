import { type Frame, frameLength } from '../translate/frame.ts'

/** Stops and starts what brings the messages. */
export interface Gate {
  pause(): void
  resume(): void
}

/**
 * Messages that came and were not asked for yet, in order. When so many of them wait, or so many bytes, the gate is shut until half of
 * them were taken: what a client sends beyond stays in its own socket.
 */
export class Inbox implements AsyncIterator<Frame> {
  private readonly frames: Frame[] = []
  private readonly waiting: ((result: IteratorResult<Frame>) => void)[] = []
  private readonly gate: Gate
  private readonly maxFrames: number
  private readonly maxBytes: number
  private bytes = 0
  private isShut = false
  private isEnded = false

  constructor(gate: Gate, maxFrames: number, maxBytes: number) {
    this.gate = gate
    this.maxFrames = maxFrames
    this.maxBytes = maxBytes
  }

  push(frame: Frame): void {
    if (this.isEnded) return
    const taker = this.waiting.shift()
    if (taker) {
      taker({ done: false, value: frame })
      return
    }
    this.frames.push(frame)
    this.bytes += frameLength(frame)
    if (this.isShut || (this.frames.length < this.maxFrames && this.bytes < this.maxBytes)) return
    this.isShut = true
    this.gate.pause()
  }

  /** No more come. What is here can still be taken. */
  end(): void {
    this.isEnded = true
    for (const taker of this.waiting.splice(0)) taker({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<Frame>> {
    const frame = this.frames.shift()
    if (frame === undefined) {
      if (this.isEnded) return Promise.resolve({ done: true, value: undefined })
      return new Promise((resolve) => void this.waiting.push(resolve))
    }
    this.bytes -= frameLength(frame)
    if (this.isShut && this.frames.length <= this.maxFrames / 2 && this.bytes <= this.maxBytes / 2) {
      this.isShut = false
      this.gate.resume()
    }
    return Promise.resolve({ done: false, value: frame })
  }
}
