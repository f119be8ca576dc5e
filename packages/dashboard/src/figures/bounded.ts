/** Where everything is counted for which there is no room of its own. */
export const OTHER = '(other)'

/** Things by name, made when they are met first: at most `max`, then all others are one. */
export class BoundedMap<T> {
  private readonly items = new Map<string, T>()
  private readonly max: number
  private readonly make: () => T

  constructor(max: number, make: () => T) {
    this.max = max
    this.make = make
  }

  at(name: string): T {
    const found = this.items.get(name)
    if (found) return found
    const key = this.items.size < this.max ? name : OTHER
    const made = this.items.get(key) ?? this.make()
    this.items.set(key, made)
    return made
  }

  list(): readonly (readonly [name: string, item: T])[] {
    return [...this.items]
  }
}

/** The last `max` things, the newest first. Something with the same key as another one takes its place. */
export class LatestBy<T> {
  private readonly items = new Map<string, T>()
  private readonly max: number

  constructor(max: number) {
    this.max = max
  }

  get(key: string): T | undefined {
    return this.items.get(key)
  }

  put(key: string, item: T): void {
    this.items.delete(key)
    this.items.set(key, item)
    if (this.items.size <= this.max) return
    const [oldest] = this.items.keys()
    if (oldest !== undefined) this.items.delete(oldest)
  }

  list(): readonly T[] {
    return [...this.items.values()].reverse()
  }
}
