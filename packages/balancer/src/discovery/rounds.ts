import type { DiscoveryObserver } from './source.ts'

/** Looks once, and says what it finds. @returns how many milliseconds to wait before the next look; infinity for none */
export type Look = (signal: AbortSignal) => Promise<number>

/**
 * Looks again and again, one look at a time. One that throws is told as a failure, and the next comes after a random time of
 * at most 500 ms × 2^(failures − 1), at most `maxRetryMs`: many processes whose source was away do not all come back at once.
 * @returns ends it; a look that is under way learns it from its signal
 */
export function rounds(observer: DiscoveryObserver, maxRetryMs: number, look: Look): () => void {
  const { clock } = observer
  let isOver = false
  // One for each look: what a look adds to its signal goes with it.
  let end = new AbortController()
  let failures = 0
  let cancel = () => {}

  const wait = (ms: number) => {
    if (!isOver && ms < Number.POSITIVE_INFINITY) cancel = clock.setTimer(() => void round(), ms)
  }
  // Never rejects: whatever a look throws is told.
  const round = async () => {
    end = new AbortController()
    try {
      const nextMs = await look(end.signal)
      failures = 0
      wait(nextMs)
    } catch (error) {
      if (isOver) return
      observer.failed(error)
      wait(clock.random() * Math.min(maxRetryMs, FIRST_RETRY_MS * 2 ** Math.min(failures++, 30)))
    }
  }
  void round()
  return () => {
    isOver = true
    cancel()
    end.abort()
  }
}

const FIRST_RETRY_MS = 500
