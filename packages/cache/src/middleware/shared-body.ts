import type { Flow, HeaderList, Sink, Source } from '@gatelet/core'
import { BodyReader } from './body-reader.ts'

/** Who sees the bytes of a body as they pass: what stores them. */
export interface Passing {
  /** @returns false when it wants no more */
  chunk(chunk: Uint8Array): boolean
  /** It came whole. */
  end(): void
  /** It broke off, or nobody wants it any more. */
  fail(): void
  /** Whether somebody may still begin to read it, although nobody does. */
  isAwaited(): boolean
}

/** How much bodies may hold. */
export interface Holding {
  /** Bytes that one body holds for readers who come later, or are slow. */
  readonly maxBytes: number
  /** Bytes that all of them hold; beyond, no more is held for readers who come later, and little for those who are slow. */
  readonly total: { bytes: number; readonly maxBytes: number }
  /** Breaks off who has read nothing for so long while the others wait for them. */
  readonly stuckMs: number
  setTimer(task: () => void, delayMs: number): () => void
}

/**
 * A body that several read at once while it comes, each at their own pace. It goes at the pace of the fastest: the others find
 * in what is held what they have not read yet. Until it is closed all is held from the first byte on, so that more readers
 * may come. A body that grows beyond `maxBytes` closes itself, and holds from then on what the slowest has not read; only when
 * that is as much again do the faster ones wait for them.
 */
export class SharedBody {
  /** Bytes, where they were announced. */
  readonly length: number | undefined
  /** Ends when it came whole, failed or was given up. */
  readonly over: Promise<void>
  private readonly source: Source
  private readonly passing: Passing
  private readonly holding: Holding
  private readonly readers = new Set<BodyReader>()
  private chunks: Uint8Array[] = []
  // The place of `chunks[0]` among all that came.
  private base = 0
  private held = 0
  private isClosed = false
  private isDrained = false
  private flow: Flow | undefined
  private isConnected = false
  private isPaused = false
  private ending: 'open' | 'whole' | 'broken' = 'open'
  private failure: Error | undefined
  private trailers: HeaderList | undefined
  private cancelTimer: (() => void) | undefined
  private settle: () => void = () => {}

  constructor(source: Source, passing: Passing, holding: Holding) {
    this.source = source
    this.length = source.length
    this.passing = passing
    this.holding = holding
    this.over = new Promise((resolve) => {
      this.settle = resolve
    })
  }

  /** Whether one more may read it from the first byte on. */
  get isOpen(): boolean {
    return !this.isClosed
  }

  /** One more reader. @param getsTrailers trailers are for the one whose request they answer */
  reader(getsTrailers = false): Source {
    const reader = new BodyReader(this, getsTrailers)
    this.readers.add(reader)
    return reader
  }

  /** No more readers come: what all have read need not be held. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.trim()
  }

  /** Reads it to its end for nobody but who sees it pass. */
  drain(): void {
    this.isDrained = true
    this.connect()
  }

  /** For readers. The chunk at a place; undefined when it has not come yet. */
  at(place: number): Uint8Array | undefined {
    return this.chunks[place - this.base]
  }

  /** For readers. Whether nothing more comes. */
  get isEnded(): boolean {
    return this.ending !== 'open'
  }

  /** For readers. Tells a sink that has all that came how it ended. */
  tellEnd(sink: Sink, getsTrailers: boolean): void {
    if (this.failure) sink.fail(this.failure)
    else sink.end(getsTrailers ? this.trailers : undefined)
  }

  /** For readers. All of it, if it is here. */
  whole(): Uint8Array | null | undefined {
    if (!this.isConnected) this.takeAtOnce()
    if (this.ending !== 'whole' || this.trailers || this.base > 0) return undefined
    if (this.chunks.length > 1) {
      const all = Buffer.concat(this.chunks)
      // Places count chunks: what was read in part is not to be joined.
      if ([...this.readers].every((reader) => reader.place === 0)) this.chunks = [all]
      return all
    }
    return this.chunks[0] ?? null
  }

  /** For readers. Starts what produces it, once. */
  connect(): void {
    if (this.isConnected) return
    this.isConnected = true
    try {
      this.flow = this.source.pipeTo({
        write: (chunk) => this.take(chunk),
        end: (trailers) => this.end(trailers),
        fail: (error) => this.fail(error),
      })
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)))
    }
    if (this.ending !== 'open') return
    // Whatever was said while it had no handle yet.
    this.isPaused = !this.hasRoom()
    if (this.isPaused) this.flow?.pause()
    else this.flow?.resume()
  }

  /** For readers. One has room again, or has read on. */
  moved(): void {
    if (this.isClosed) this.trim()
    this.pace()
  }

  /** For readers. One will read no more. */
  left(reader: BodyReader): void {
    if (!this.readers.delete(reader)) return
    if (this.readers.size === 0) this.giveUpUnread()
    this.moved()
  }

  /** Ends it when nobody reads it, nor will. */
  giveUpUnread(): void {
    if (!this.isDrained && !this.passing.isAwaited()) this.giveUp()
  }

  private giveUp(): void {
    if (this.readers.size > 0 || this.ending !== 'open') return
    this.ending = 'broken'
    this.passing.fail()
    this.source.cancel()
    this.finish()
  }

  private takeAtOnce(): void {
    const all = this.source.take()
    if (all === undefined) return
    this.isConnected = true
    if (all) this.take(all)
    this.end(undefined)
  }

  private take(chunk: Uint8Array): boolean {
    if (this.ending !== 'open') return true
    const isWanted = this.passing.chunk(chunk)
    if (this.isDrained && !isWanted) this.giveUp()
    if (this.isEnded) return true
    this.chunks.push(chunk)
    this.count(chunk.byteLength)
    const { maxBytes, total } = this.holding
    if (this.held > maxBytes || total.bytes > total.maxBytes) this.isClosed = true
    for (const reader of this.readers) reader.pump()
    if (this.isClosed) this.trim()
    this.isPaused = !this.hasRoom()
    return !this.isPaused
  }

  private end(trailers: HeaderList | undefined): void {
    if (this.ending !== 'open') return
    this.ending = 'whole'
    this.trailers = trailers
    this.passing.end()
    this.finish()
  }

  private fail(error: Error): void {
    if (this.ending !== 'open') return
    this.ending = 'broken'
    this.failure = error
    this.passing.fail()
    this.finish()
  }

  private finish(): void {
    this.cancelTimer?.()
    this.cancelTimer = undefined
    if (this.ending === 'broken') this.isClosed = true
    for (const reader of this.readers) reader.pump()
    if (this.isClosed) this.trim()
    this.settle()
  }

  // Whoever reads sets the pace; the slower ones only when too much would have to be held for them.
  private hasRoom(): boolean {
    if (this.readers.size === 0 || this.isDrained) return true
    if (this.isClosed && this.readers.size > 1 && this.holdsTooMuch) return this.waitForSlowest()
    this.cancelTimer?.()
    this.cancelTimer = undefined
    for (const reader of this.readers) if (reader.hasRoom) return true
    return false
  }

  // Where all bodies hold too much, none lets its fast readers run ahead any more.
  private get holdsTooMuch(): boolean {
    const { maxBytes, total } = this.holding
    return this.held > maxBytes || (total.bytes > total.maxBytes && this.held > littleBytes)
  }

  private waitForSlowest(): false {
    if (this.cancelTimer) return false
    const place = this.slowest()?.place
    this.cancelTimer = this.holding.setTimer(() => {
      this.cancelTimer = undefined
      const slowest = this.slowest()
      if (slowest?.place === place) slowest?.breakOff()
      else if (this.isPaused) this.pace()
    }, this.holding.stuckMs)
    return false
  }

  private slowest(): BodyReader | undefined {
    let slowest: BodyReader | undefined
    for (const reader of this.readers) if (!slowest || reader.place < slowest.place) slowest = reader
    return slowest
  }

  private pace(): void {
    if (this.ending !== 'open' || !this.isConnected) return
    const mustPause = !this.hasRoom()
    if (mustPause === this.isPaused) return
    this.isPaused = mustPause
    if (mustPause) this.flow?.pause()
    else this.flow?.resume()
  }

  private trim(): void {
    const slowest = this.slowest()
    const until = slowest ? slowest.place : this.base + this.chunks.length
    if (until <= this.base) return
    for (const chunk of this.chunks.splice(0, until - this.base)) this.count(-chunk.byteLength)
    this.base = until
  }

  private count(bytes: number): void {
    this.held += bytes
    this.holding.total.bytes += bytes
  }
}

// As much as is on its way to one client anyhow.
const littleBytes = 65_536
