import { type Body, type Flow, type HeaderList, type Sink, type Source, sourceOf } from '@gatelet/core'

/**
 * A body that is copied while somebody reads it, at their pace. Nothing is read for the copy's sake, and nothing waits for it.
 */
export class CopiedBody implements Source {
  private readonly source: Source
  private readonly max: number
  private readonly done: (bytes: Uint8Array | undefined) => void
  private chunks: Uint8Array[] = []
  private size = 0
  private isDone = false

  /**
   * @param max bytes of the copy
   * @param done told once: the whole body, or undefined when it was too long, or not read to its end
   */
  constructor(body: Body, max: number, done: (bytes: Uint8Array | undefined) => void) {
    this.source = sourceOf(body)
    this.max = max
    this.done = done
  }

  get length(): number | undefined {
    return this.source.length
  }

  pipeTo(sink: Sink): Flow {
    return this.source.pipeTo({
      write: (chunk) => {
        this.add(chunk)
        return sink.write(chunk)
      },
      end: (trailers?: HeaderList) => {
        this.settle(true)
        sink.end(trailers)
      },
      fail: (error) => {
        this.settle(false)
        sink.fail(error)
      },
    })
  }

  take(): Uint8Array | null | undefined {
    const bytes = this.source.take()
    if (bytes === undefined) return undefined
    if (bytes) this.add(bytes)
    this.settle(true)
    return bytes
  }

  cancel(reason?: Error): void {
    this.settle(false)
    this.source.cancel(reason)
  }

  /** The copy is not needed any more, or will not be whole. */
  settle(isWhole: boolean): void {
    if (this.isDone) return
    this.isDone = true
    const { chunks } = this
    this.chunks = []
    this.done(isWhole ? Buffer.concat(chunks) : undefined)
  }

  private add(chunk: Uint8Array): void {
    if (this.isDone) return
    this.size += chunk.byteLength
    if (this.size > this.max) this.settle(false)
    else this.chunks.push(chunk)
  }
}
