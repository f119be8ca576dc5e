import { type Clock, type Context, isPromise } from '@gatelet/core'
import type { Granted } from './grant.ts'

/**
 * Holds the slots of a request until its exchange is over: the reply went out, the client left, the upgraded connection
 * closed. Where leases end by themselves, they are taken again in time.
 * @param freed told when the slots are free
 */
export function holdSlots<S extends object>(ctx: Context<S>, granted: Granted, clock: Clock, freed: () => void): void {
  const { leaseMs } = granted
  const stop = leaseMs === undefined ? undefined : repeating(() => granted.renew(), clock, leaseMs / 3)
  ctx.onFinish(() => {
    stop?.()
    const given = granted.release()
    if (isPromise(given)) void given.then(freed)
    else freed()
  })
}

function repeating(task: () => void, clock: Clock, everyMs: number): () => void {
  const run = () => {
    cancel = clock.setTimer(run, everyMs)
    task()
  }
  let cancel = clock.setTimer(run, everyMs)
  return () => cancel()
}
