import type { RateRequest, RateVerdict } from '../store.ts'

/** The counts of all keys of one rule. Within a decision, `ask` comes first; the others go by what it found. */
export interface Counter {
  /** Whether there is what is asked for. */
  ask(request: RateRequest, now: number): boolean
  /** Takes it. @returns the stamp */
  take(request: RateRequest, now: number): number
  /** @param refused the cost that is more than is left; else undefined */
  verdict(request: RateRequest, now: number, refused: number | undefined, stamp: number): RateVerdict
  give(request: RateRequest, now: number): void
}
