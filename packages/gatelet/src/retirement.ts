import { type Clock, systemClock } from '@gatelet/core'

/** What can be closed. A second call gives the same promise, or does nothing. */
interface Closable {
  close(): Promise<void>
}

/**
 * What was replaced. Requests that came before may still be on their way to it, held up by a layer, so it stays open for a
 * while before it is closed.
 */
export class Retirement {
  private readonly retired = new Map<Closable, () => void>()

  add(what: Closable, { clock = systemClock, drainMs = 30_000 }: { clock?: Clock; drainMs?: number }): void {
    const gone = () => void this.retired.delete(what)
    this.retired.set(
      what,
      clock.setTimer(() => void what.close().then(gone, gone), drainMs),
    )
  }

  /** Closes all at once. */
  async close(): Promise<void> {
    const all = [...this.retired]
    for (const [, cancel] of all) cancel()
    await Promise.all(all.map(([what]) => what.close()))
    this.retired.clear()
  }
}
