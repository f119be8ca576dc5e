import { Readable, Stream } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { type Body, type Flow, PushSource, type Sink, type Source, sourceOf } from '@gatelet/core'

/** What Koa takes as a body, as layers have it. */
export function bodyOf(value: unknown): Body {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || value instanceof Uint8Array || value instanceof Readable) return value
  if (value instanceof Stream) return new LazyBody(() => new Readable().wrap(value as unknown as NodeJS.ReadableStream))
  if (value instanceof Blob) return new LazyBody(() => Readable.fromWeb(value.stream() as ReadableStream))
  if (value instanceof globalThis.ReadableStream) return new LazyBody(() => Readable.fromWeb(value as ReadableStream))
  if (value instanceof Response) return value.body && bodyOf(value.body)
  return new JsonBody(value)
}

/** What is not yet a `Readable`. It becomes one when a layer reads it: until then Koa can still read it itself. */
class LazyBody implements Source {
  private readonly make: () => Readable
  private source: Source | undefined

  constructor(make: () => Readable) {
    this.make = make
  }

  pipeTo(sink: Sink): Flow {
    return this.made.pipeTo(sink)
  }

  take(): undefined {
    return undefined
  }

  cancel(reason?: Error): void {
    this.made.cancel(reason)
  }

  private get made(): Source {
    this.source ??= sourceOf(this.make())
    return this.source
  }
}

/** A value that Koa will write as JSON. Written when somebody looks at the bytes: nearly always that is Koa alone. */
class JsonBody implements Source {
  private readonly value: unknown
  private bytes: Uint8Array | undefined
  private readonly whole: PushSource = new PushSource({ start: () => this.push(), pause() {}, resume() {}, cancel() {} })

  constructor(value: unknown) {
    this.value = value
  }

  get length(): number {
    return this.written.byteLength
  }

  pipeTo(sink: Sink): Flow {
    return this.whole.pipeTo(sink)
  }

  take(): Uint8Array | null | undefined {
    if (!this.whole.isOver) this.push()
    return this.whole.take()
  }

  cancel(): void {
    this.whole.cancel()
  }

  private push(): void {
    this.whole.push(this.written)
    this.whole.end()
  }

  private get written(): Uint8Array {
    this.bytes ??= Buffer.from(JSON.stringify(this.value) ?? '')
    return this.bytes
  }
}
