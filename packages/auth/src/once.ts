import { type Check, type Clock, isPromise, type MaybePromise, options } from '@gatelet/core'
import type { ReplayStore } from './dpop/replays.ts'
import type { Proved, Verdict } from './verifier.ts'

/** Lets the first use of something through, and refuses the others. @see ReplayStore */
export function once(
  proved: Proved,
  { replays: store, clock }: { readonly replays: ReplayStore; readonly clock: Clock },
  { id, madeAt, untilMs }: { id: string; madeAt: number; untilMs: number },
): MaybePromise<Verdict> {
  // It has ended while its body came, as slowly as somebody liked: a store may have forgotten it.
  if (clock.date() >= untilMs) return { kind: 'refused', status: 401, reason: 'too-old' }
  const told = (isFirst: boolean): Verdict => (isFirst === true ? proved : { kind: 'refused', status: 401, reason: 'replayed' })
  const away = (cause: unknown): Verdict => ({ kind: 'unavailable', reason: 'no-store', cause })
  try {
    const said = store.use(id, madeAt, untilMs)
    return isPromise(said) ? said.then(told, away) : told(said)
  } catch (cause) {
    return away(cause)
  }
}

/** What `replays` must be. */
export const replayStoreCheck: Check<ReplayStore> = (value, path) => {
  if (typeof (value as Partial<ReplayStore> | null)?.use === 'function') return value as ReplayStore
  throw options.wrong(typeof value, path, 'a store of what was used, such as memoryReplays()')
}
