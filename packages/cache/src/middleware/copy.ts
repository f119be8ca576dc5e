import type { EntryWriter } from '../store.ts'
import type { GuardedStore } from './guarded-store.ts'

/** The copy of a body on its way into the store, while the client gets it. It never delays the client. */
export class Copy {
  private readonly store: GuardedStore
  private readonly maxBytes: number
  private readonly announced: number | undefined
  private writer: EntryWriter | undefined
  private bytes = 0

  /** @param announced bytes that the body must have, where its head says it */
  constructor(store: GuardedStore, writer: EntryWriter, maxBytes: number, announced: number | undefined) {
    this.store = store
    this.writer = writer
    this.maxBytes = maxBytes
    this.announced = announced
  }

  /** Bytes that were written. */
  get size(): number {
    return this.bytes
  }

  /** @returns whether it may still be stored */
  write(chunk: Uint8Array): boolean {
    const { writer } = this
    if (!writer) return false
    this.bytes += chunk.byteLength
    const isTaken = this.bytes <= this.maxBytes && this.store.write(writer, chunk)
    if (!isTaken) this.drop()
    return isTaken
  }

  /** The body came to its end. @param timeoutMs how long the store may take for it. @returns whether it is stored */
  async commit(timeoutMs: number): Promise<boolean> {
    const { writer } = this
    if (!writer) return false
    if (this.announced !== undefined && this.announced !== this.bytes) {
      this.drop()
      return false
    }
    this.writer = undefined
    return this.store.commit(writer, timeoutMs)
  }

  /** Nothing of it is stored. */
  drop(): void {
    const { writer } = this
    this.writer = undefined
    if (writer) this.store.abort(writer)
  }
}
