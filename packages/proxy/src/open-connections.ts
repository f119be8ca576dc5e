import type { ProxySettings } from './options.ts'
import { WaitingCalls } from './waiting-calls.ts'

/** A connection as far as opening and closing goes. */
interface Drainable {
  /** Closes it, as soon as it has nothing to do. It tells by `OpenConnections.remove`. */
  drain(): void
}

/** All that is open to one endpoint, and who waits for some of it: from the first connection to the end of the last. */
export class OpenConnections<T extends Drainable> implements Iterable<T> {
  readonly waiting: WaitingCalls
  private readonly max: number
  private readonly all = new Set<T>()
  private closing: Promise<void> | undefined
  private finish: () => void = () => {}

  constructor(settings: ProxySettings) {
    this.waiting = new WaitingCalls(settings)
    this.max = settings.connections
  }

  get isClosed(): boolean {
    return this.closing !== undefined
  }

  /** Whether there is nothing to keep. */
  get isEmpty(): boolean {
    return this.all.size === 0 && this.waiting.size === 0
  }

  /** Whether another may be added. */
  get hasRoom(): boolean {
    return this.all.size < this.max && !this.closing
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.all.values()
  }

  add(connection: T): T {
    this.all.add(connection)
    return connection
  }

  remove(connection: T): void {
    this.all.delete(connection)
    if (this.all.size === 0) this.finish()
  }

  /** Refuses who waits, and drains the rest. Resolves when the last is removed. */
  close(): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      this.finish = resolve
    })
    this.waiting.close()
    for (const connection of [...this.all]) connection.drain()
    if (this.all.size === 0) this.finish()
    return this.closing
  }
}
