import { isPromise, type MaybePromise } from '@gatelet/core'
import type { Unavailable, Verdict } from './verifier.ts'

/**
 * Judges what a store or a function of the user's answers. Where that fails, or answers with what cannot be judged, nobody can say
 * whether a credential is good.
 */
export function lookedUp<T>(ask: () => MaybePromise<T>, judge: (found: T) => MaybePromise<Verdict>): MaybePromise<Verdict> {
  try {
    const found = ask()
    const verdict = isPromise(found) ? found.then(judge) : judge(found)
    return isPromise(verdict) ? verdict.then(undefined, away) : verdict
  } catch (cause) {
    return away(cause)
  }
}

const away = (cause: unknown): Unavailable => ({ kind: 'unavailable', reason: 'no-store', cause })
