import { type Flow, type HeaderList, PushSource, type Sink, type Source } from '@gatelet/core'

/** A source that a test fills by hand, and what it was told. */
export interface Tap {
  readonly source: PushSource
  /** `start`, `pause`, `resume`, `cancel`, in the order in which they came. */
  readonly told: string[]
}

/** @param onStart what it pushes by itself when somebody first wants the bytes */
export function tap(onStart: (source: PushSource) => void = () => {}): Tap {
  const told: string[] = []
  const source: PushSource = new PushSource({
    start() {
      told.push('start')
      onStart(source)
    },
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
    cancel: (reason) => void told.push(reason ? `cancel: ${reason.message}` : 'cancel'),
  })
  return { source, told }
}

/** A source that pushes everything when somebody first wants it. */
export function spring(text: string, trailers?: HeaderList): PushSource {
  return tap((source) => {
    source.push(bytes(text))
    source.end(trailers)
  }).source
}

/** A sink that keeps what it gets: chunks as text, then `end`, `end: trailers` or `fail: message`. */
export class Basin implements Sink {
  readonly got: string[] = []
  /** Whether the next write is answered by `false`. */
  isFull = false
  /** Called at each chunk, after it was kept. */
  onWrite: () => void = () => {}

  write(chunk: Uint8Array): boolean {
    this.got.push(Buffer.from(chunk).toString())
    this.onWrite()
    return !this.isFull
  }

  end(trailers?: HeaderList): void {
    this.got.push(trailers ? `end: ${trailers.raw.join('=')}` : 'end')
  }

  fail(error: Error): void {
    this.got.push(`fail: ${error.message}`)
  }
}

export const bytes = (text: string): Uint8Array => Buffer.from(text)

/** Pipes a source into a new basin. */
export function drain(source: Source, into: Partial<Pick<Basin, 'isFull' | 'onWrite'>> = {}): { basin: Basin; flow: Flow } {
  const basin = Object.assign(new Basin(), into)
  return { basin, flow: source.pipeTo(basin) }
}
