/** Turns of those who share one connection: one after the other, in the order of their asking. */
export class Turns {
  private last: Promise<void> = Promise.resolve()

  /** Resolves when it is one's turn, with what ends it. */
  next(): Promise<() => void> {
    const before = this.last
    let done: () => void = () => {}
    this.last = new Promise((resolve) => {
      done = resolve
    })
    return before.then(() => done)
  }
}
