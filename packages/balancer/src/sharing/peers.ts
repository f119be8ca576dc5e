/** More are not remembered: there are never so many workers. */
const MAX_PEERS = 1_000

/** Who else is there, as far as they were heard of lately. */
export class Peers {
  private readonly own: string
  private readonly ttlMs: number
  private readonly seenAt = new Map<string, number>()

  constructor(own: string, ttlMs: number) {
    this.own = own
    this.ttlMs = ttlMs
  }

  get count(): number {
    return this.seenAt.size
  }

  /** The one with the lowest name leads: all who hear each other agree on it without asking. */
  get isLedByUs(): boolean {
    for (const peer of this.seenAt.keys()) if (peer < this.own) return false
    return true
  }

  /** @returns whether it is new */
  saw(peer: string, now: number): boolean {
    const isNew = !this.seenAt.has(peer)
    if (isNew && this.seenAt.size >= MAX_PEERS) return false
    this.seenAt.set(peer, now)
    return isNew
  }

  left(peer: string): void {
    this.seenAt.delete(peer)
  }

  /** Forgets those that have said nothing for too long. */
  expire(now: number): void {
    for (const [peer, at] of this.seenAt) if (now - at > this.ttlMs) this.seenAt.delete(peer)
  }
}
