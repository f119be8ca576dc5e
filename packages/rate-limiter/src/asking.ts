import { isPromise, type MaybePromise } from '@gatelet/core'
import type { RateRequest, RateStore, RateVerdict } from './store.ts'

/** What a store has answered, or who in its place. */
export interface Asked {
  readonly verdicts: readonly RateVerdict[]
  /** Who has counted, and takes back; undefined for nobody. */
  readonly store: RateStore | undefined
  readonly source: 'store' | 'local' | 'none'
  /** Why the store could not be asked. */
  readonly error?: unknown
  /** The client left while it waited: nobody has been refused. */
  readonly hasLeft?: boolean
}

/** Whether everything was taken. Where nobody counts, nobody is refused. */
export function isTaken({ verdicts }: Asked): boolean {
  return verdicts.every(({ allowed }) => allowed)
}

/** Asks a store, and answers for it while it is away. Never throws on account of the store. */
export class Asker {
  private readonly store: RateStore
  private readonly local: RateStore | undefined

  /**
   * @param store one that answers in time and with verdicts: our own in memory, or a `BoundedStore`
   * @param local who counts while `store` is away; undefined: nobody
   */
  constructor(store: RateStore, local: RateStore | undefined) {
    this.store = store
    this.local = local
  }

  ask(requests: readonly RateRequest[]): MaybePromise<Asked> {
    try {
      const verdicts = this.store.take(requests)
      if (!isPromise(verdicts)) return this.answered(verdicts)
      return verdicts.then(
        (found) => this.answered(found),
        (error: unknown) => this.failed(requests, error),
      )
    } catch (error) {
      return this.failed(requests, error)
    }
  }

  private answered(verdicts: readonly RateVerdict[]): Asked {
    return { verdicts, store: this.store, source: 'store' }
  }

  private failed(requests: readonly RateRequest[], error: unknown): MaybePromise<Asked> {
    if (!this.local) return { verdicts: [], store: undefined, source: 'none', error }
    const verdicts = this.local.take(requests)
    return isPromise(verdicts)
      ? verdicts.then((found) => ({ verdicts: found, store: this.local, source: 'local', error }))
      : { verdicts, store: this.local, source: 'local', error }
  }
}

/**
 * Gives back to whoever has counted. What a store that is away does not take back, it never learns of: counts run out by
 * themselves, and leases too.
 */
export function give(store: RateStore | undefined, requests: readonly RateRequest[]): MaybePromise<void> {
  if (!store || requests.length === 0) return undefined
  try {
    const given = store.give(requests)
    return isPromise(given) ? given.then(undefined, () => {}) : undefined
  } catch {
    return undefined
  }
}

/** Takes a lease again that is held already. */
export function retake(store: RateStore | undefined, request: RateRequest): void {
  try {
    const taken = store?.take([{ ...request, isRenewal: true }])
    // It lasts long enough for another two attempts.
    if (isPromise(taken)) taken.then(undefined, () => {})
  } catch {}
}
