import type { RateRequest, RateVerdict } from '../store.ts'

/** What a worker asks its primary. Our messages go among those of the application. */
export interface Ask {
  readonly gatelet: 'rate-ask'
  readonly id: number
  /** `take`, or `give`. */
  readonly what: 'take' | 'give'
  readonly requests: readonly RateRequest[]
}

/** What the primary answers. */
export interface Answer {
  readonly gatelet: 'rate-answer'
  readonly id: number
  /** For `take`. A time of `Infinity` is null: JSON has no word for it. */
  readonly verdicts?: readonly RateVerdict[]
  /** Why there is no answer. */
  readonly error?: string
}

export const isAsk = (message: unknown): message is Ask => kindOf(message) === 'rate-ask'

export const isAnswer = (message: unknown): message is Answer => kindOf(message) === 'rate-answer'

const kindOf = (message: unknown): unknown =>
  typeof message === 'object' && message !== null ? (message as Partial<Ask | Answer>).gatelet : undefined
