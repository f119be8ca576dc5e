import type { Clock } from '@gatelet/core'

/** Something that must be over in time. */
export interface Pending {
  /** It is over: its deadline means nothing any more. @returns whether it is in time, and the first to say so */
  end(): boolean
}

/** Deadlines that all last equally long, so that they pass in the order in which they began: one timer serves all of them. */
export class Deadlines {
  private readonly clock: Clock
  private readonly lastsMs: number
  private first: Link | undefined
  private last: Link | undefined
  private isTimed = false

  constructor(clock: Clock, lastsMs: number) {
    this.clock = clock
    this.lastsMs = lastsMs
  }

  /** @param onPassed called once, unless it has ended before */
  begin(onPassed: () => void): Pending {
    const link = new Link(this.clock.now() + this.lastsMs, onPassed)
    this.forgetEnded()
    if (this.last) this.last.next = link
    else this.first = link
    this.last = link
    this.schedule()
    return link
  }

  // Nearly all end in the order in which they began: so no more are kept than are under way, not all that began in this time.
  private forgetEnded(): void {
    while (this.first && !this.first.onPassed) this.first = this.first.next
    if (!this.first) this.last = undefined
  }

  private schedule(): void {
    if (this.isTimed || !this.first) return
    this.isTimed = true
    // What came while the event loop was busy is read before anybody is said to be late.
    this.clock.setTimer(() => setImmediate(() => this.pass()), Math.max(0, this.first.at - this.clock.now()))
  }

  private pass(): void {
    this.isTimed = false
    const now = this.clock.now()
    for (let link = this.first; link && (!link.onPassed || link.at <= now); link = this.first) {
      this.first = link.next
      if (!this.first) this.last = undefined
      const { onPassed } = link
      link.end()
      onPassed?.()
    }
    this.schedule()
  }
}

class Link implements Pending {
  readonly at: number
  onPassed: (() => void) | undefined
  next: Link | undefined

  constructor(at: number, onPassed: () => void) {
    this.at = at
    this.onPassed = onPassed
  }

  end(): boolean {
    const isInTime = this.onPassed !== undefined
    this.onPassed = undefined
    return isInTime
  }
}
