/**
 * How fast those who waited out a whole outage are let in: one at first, two more for each that succeeds. Without it the
 * first endpoint that recovers would get all of them at once, and fall again.
 */
export class Ramp {
  private credit = Number.POSITIVE_INFINITY

  /** Everybody is let in. */
  get isOpen(): boolean {
    return this.credit === Number.POSITIVE_INFINITY
  }

  get hasRoom(): boolean {
    return this.credit > 0
  }

  /** Nobody can be asked any more. */
  stopped(): void {
    this.credit = 1
  }

  /** An attempt is over. One that did not succeed lets one more in, so that there is always somebody who tries. */
  learned(hasSucceeded: boolean): void {
    this.credit += hasSucceeded ? 2 : 1
  }

  /** One of those who waited was let in. */
  left(isLast: boolean): void {
    this.credit = isLast ? Number.POSITIVE_INFINITY : this.credit - 1
  }
}
