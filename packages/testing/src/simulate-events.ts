/** What happens when, the earliest first: a binary heap, whose two lists of numbers cost no object for an event. */
export class Events {
  private readonly times: number[] = []
  private readonly tokens: number[] = []

  /** When the next one is; infinity when there is none. */
  get next(): number {
    return this.times[0] ?? Number.POSITIVE_INFINITY
  }

  /** Everything that is to happen, in no order. */
  get all(): readonly number[] {
    return this.tokens
  }

  add(time: number, token: number): void {
    const { times, tokens } = this
    let at = times.length
    times.push(time)
    tokens.push(token)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((times[parent] as number) <= time) break
      times[at] = times[parent] as number
      tokens[at] = tokens[parent] as number
      at = parent
    }
    times[at] = time
    tokens[at] = token
  }

  /** Takes the next one off. @returns its token */
  take(): number {
    const { times, tokens } = this
    const taken = tokens[0] as number
    const time = times.pop() as number
    const token = tokens.pop() as number
    const count = times.length
    if (count === 0) return taken
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= count) break
      if (child + 1 < count && (times[child + 1] as number) < (times[child] as number)) child++
      if ((times[child] as number) >= time) break
      times[at] = times[child] as number
      tokens[at] = tokens[child] as number
      at = child
    }
    times[at] = time
    tokens[at] = token
    return taken
  }
}
