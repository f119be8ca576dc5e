import { type Check, type Checks, type Clock, GatewayError, options, systemClock } from '@gatelet/core'
import type { OnAbort } from '../database.ts'
import { databaseError } from '../sqlstate.ts'

/** How long, and how many, may wait for a connection. */
export interface AcquireOptions {
  /** Milliseconds that a request waits for a connection; then it is answered 503 with `Retry-After`. Default: 5,000. */
  acquireMs?: number
  /** How many may wait at once, 1 to 1,000,000; more are answered 503 at once. Default: 1,000. */
  maxWaiting?: number
  /** Where time comes from. */
  clock?: Clock
}

/** The checks of `AcquireOptions`. */
export const acquireChecks: Checks<AcquireOptions> = {
  acquireMs: options.optional(options.milliseconds()),
  maxWaiting: options.optional(options.number({ min: 1, max: 1_000_000, integer: true })),
  clock: options.optional(options.clock),
}

/** Something with these methods; for clients, which are known by their shape. */
export function withMethods<T>(what: string, ...methods: readonly string[]): Check<T> {
  return (value, path) => {
    const isThing = (typeof value === 'object' && value !== null) || typeof value === 'function'
    const has = isThing && methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
    if (!has) throw options.wrong(value, path, what)
    return value as T
  }
}

/**
 * Waits for something that comes one day, for a time: with a bound on how many wait.
 * @param ask begins to wait. It cannot be withdrawn: what comes when nobody waits any more goes to `giveBack`
 */
export function acquirer<T>(
  ask: () => Promise<T>,
  giveBack: (late: T) => void,
  { acquireMs = 5_000, maxWaiting = 1_000, clock = systemClock }: AcquireOptions,
): (onAbort: OnAbort) => Promise<T> {
  let waiting = 0
  return (onAbort) => {
    if (waiting >= maxWaiting) return Promise.reject(busy(`${waiting} wait for a connection to the database already`))
    waiting++
    return new Promise((resolve, reject) => {
      let isOver = false
      const settle = (act: () => void) => {
        if (isOver) return
        isOver = true
        stopTimer()
        undo()
        act()
      }
      const stopTimer = clock.setTimer(() => settle(() => reject(busy(`no connection within ${acquireMs} ms`))), acquireMs)
      const undo = onAbort(() => settle(() => reject(new GatewayError('CLIENT_CLOSED'))))
      ask()
        .finally(() => waiting--)
        .then(
          (found) => (isOver ? giveBack(found) : settle(() => resolve(found))),
          (error: unknown) => settle(() => reject(unreachable(error))),
        )
    })
  }
}

const busy = (message: string) => new GatewayError('DATABASE_BUSY', { message, headers: { 'retry-after': '1' } })

// Whatever keeps a connection from being made: there is none. Pools of `pg` tell by a message alone that all are in use.
function unreachable(error: unknown): GatewayError {
  const known = databaseError(error)
  if (/timeout exceeded when trying to connect/.test(known.message)) return busy(known.message)
  if (known.code !== 'DATABASE_FAILED') return known
  return new GatewayError('DATABASE_UNAVAILABLE', { message: known.message, headers: { 'retry-after': '1' }, cause: error })
}
