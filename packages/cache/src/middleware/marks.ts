/**
 * Keys of which something is known for a while. Keys are long and their number is the clients' to choose, so that only a hash
 * of 32 bits is kept: two keys with the same one share a mark, which must harm nobody.
 */
export class Marks {
  private readonly until = new Map<number, number>()
  private readonly max: number

  /** @param max how many are known; then those that were set first are forgotten */
  constructor(max: number) {
    this.max = max
  }

  set(key: string, untilMs: number): void {
    const hash = hashOf(key)
    this.until.delete(hash)
    if (this.until.size >= this.max) this.until.delete(this.until.keys().next().value as number)
    this.until.set(hash, untilMs)
  }

  has(key: string, now: number): boolean {
    if (this.until.size === 0) return false
    const hash = hashOf(key)
    const untilMs = this.until.get(hash)
    if (untilMs === undefined) return false
    if (now < untilMs) return true
    this.until.delete(hash)
    return false
  }

  delete(key: string): void {
    if (this.until.size > 0) this.until.delete(hashOf(key))
  }
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
