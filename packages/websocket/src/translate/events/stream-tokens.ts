import { randomBytes } from 'node:crypto'
import type { Clock } from '@gatelet/core'

/**
 * Tokens by which the messages of a client find its stream: 256 random bits each, good for one stream and for a while. There
 * are at most a few for each stream that is open.
 */
export class StreamTokens<T> {
  private readonly streams = new Map<string, T>()
  private readonly clock: Clock
  private readonly lifeMs: number

  constructor(clock: Clock, lifeMs: number) {
    this.clock = clock
    this.lifeMs = lifeMs
  }

  /** The stream that a token is for; undefined for one that is not known, or not any more. */
  streamOf(token: string | undefined): T | undefined {
    return token === undefined ? undefined : this.streams.get(token)
  }

  /**
   * Makes tokens for a stream as long as it is open: a new one at half of each one's life, so that one is always good.
   * @param tell hears each of them
   * @returns what takes all of them back
   */
  issue(stream: T, tell: (token: string) => void): () => void {
    const live = new Map<string, () => void>()
    let stopNext = () => {}
    const next = () => {
      const token = randomBytes(32).toString('base64url')
      this.streams.set(token, stream)
      live.set(
        token,
        this.clock.setTimer(() => this.expire(token, live), this.lifeMs),
      )
      stopNext = this.clock.setTimer(next, Math.max(1, this.lifeMs / 2))
      tell(token)
    }
    next()
    return () => {
      stopNext()
      for (const [token, stop] of live) {
        stop()
        this.streams.delete(token)
      }
      live.clear()
    }
  }

  private expire(token: string, live: Map<string, () => void>): void {
    live.delete(token)
    this.streams.delete(token)
  }
}
