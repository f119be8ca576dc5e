import { type Frame, frameLength } from '../frame.ts'

/** The messages of one answer on their way to a client that reads them at its own pace. */
export class FrameQueue implements AsyncIterableIterator<Frame> {
  /** Bytes that are held. */
  held = 0
  private readonly frames: Frame[] = []
  private failure: Error | undefined
  private isOver = false
  private wake: (() => void) | undefined
  private readonly onTaken: () => void
  private readonly onLeft: () => void

  /** @param on told when a message was taken, and when the reader leaves before the end */
  constructor(on: { taken(): void; left(): void }) {
    this.onTaken = on.taken
    this.onLeft = on.left
  }

  push(frame: Frame): void {
    if (this.isOver) return
    this.frames.push(frame)
    this.held += frameLength(frame)
    this.go()
  }

  end(): void {
    this.isOver = true
    this.go()
  }

  /** What is held goes out before it. */
  fail(error: Error): void {
    if (this.isOver) return
    this.failure = error
    this.end()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Frame, undefined>> {
    while (this.frames.length === 0 && !this.isOver) {
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
    const frame = this.frames.shift()
    if (frame === undefined) {
      if (this.failure) throw this.failure
      return { done: true, value: undefined }
    }
    this.held -= frameLength(frame)
    this.onTaken()
    return { done: false, value: frame }
  }

  async return(): Promise<IteratorResult<Frame, undefined>> {
    this.frames.length = this.held = 0
    this.failure = undefined
    this.end()
    this.onLeft()
    return { done: true, value: undefined }
  }

  private go(): void {
    this.wake?.()
    this.wake = undefined
  }
}
