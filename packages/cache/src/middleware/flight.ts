import { type Clock, type Context, GatewayError } from '@gatelet/core'
import type { CacheRequest, StoredMeta } from '../policy/types.ts'
import type { StoredEntry } from '../store.ts'
import type { SharedBody } from './shared-body.ts'

/** What came of a request that others wait for. */
export type Landing =
  /** A reply that others may have, by its meta data, while its body comes. */
  | { readonly kind: 'reply'; readonly meta: StoredMeta; readonly status: number; readonly body: SharedBody }
  /** What is stored holds. */
  | { readonly kind: 'renewed'; readonly meta: StoredMeta; readonly status: number; readonly entry: StoredEntry }
  /** An error, as a reply or thrown: who has something stale to send sends it. */
  | { readonly kind: 'failed'; readonly status?: number; readonly error?: unknown }
  /** Nothing for others. */
  | { readonly kind: 'alone' }

/** A request to the upstream, whose reply may be stored, and others may wait for who ask the same. */
export class Flight {
  readonly key: string
  /** Whether others may join it. */
  readonly isShared: boolean
  /** The one who asks. */
  readonly request: CacheRequest
  /** What it brings may be older than a change that was made meanwhile: it is not stored, and nobody joins it any more. */
  isOutdated = false
  /** Ends what is under way. */
  abandon: () => void = () => {}
  private landed: Landing | undefined
  private readonly waiting = new Set<(landing: Landing) => void>()
  private isLeaderWaiting = true

  constructor(key: string, request: CacheRequest, isShared: boolean) {
    this.key = key
    this.request = request
    this.isShared = isShared
  }

  get landing(): Landing | undefined {
    return this.landed
  }

  /** Whether somebody waits who has no body yet. */
  get isAwaited(): boolean {
    return this.isLeaderWaiting || this.waiting.size > 0
  }

  land(landing: Landing): void {
    if (this.landed) return
    this.landed = landing
    for (const tell of this.waiting) tell(landing)
  }

  /** The one who asks has its reply, or has left. */
  leaderIsServed(): void {
    this.isLeaderWaiting = false
    this.left()
  }

  /**
   * Waits for what comes, `waitMs` at most.
   * @param use what to do with it, at once: until then it counts as awaited
   * @returns what `use` made of it; `left` when the exchange was aborted
   */
  wait<S extends object, T>(
    ctx: Context<S>,
    waitMs: number,
    clock: Clock,
    use: (landing: Landing | undefined) => T,
  ): Promise<T | 'left'> {
    if (this.landed) return Promise.resolve(use(this.landed))
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        cancel()
        undo()
        settle()
        this.waiting.delete(tell)
        this.left()
      }
      const end = (landing: Landing | undefined) =>
        done(() => {
          try {
            resolve(use(landing))
          } catch (error) {
            reject(error)
          }
        })
      const tell = (landing: Landing) => end(landing)
      const cancel = clock.setTimer(() => end(undefined), waitMs)
      const undo = ctx.onAbort(() => done(() => resolve('left')))
      this.waiting.add(tell)
    })
  }

  private left(): void {
    if (this.isAwaited) return
    if (!this.landed) this.abandon()
    else if (this.landed.kind === 'reply') this.landed.body.giveUpUnread()
  }
}

/** Why an exchange was aborted. */
export function reasonOf<S extends object>(ctx: Context<S>): unknown {
  return ctx.signal.reason ?? new GatewayError('CLIENT_CLOSED')
}
