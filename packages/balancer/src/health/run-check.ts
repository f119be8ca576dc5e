import type { Clock } from '@gatelet/core'
import { type Probe, reasonOf } from './probe.ts'
import type { CheckResult } from './record.ts'

/** What came of one check. */
export interface Finding {
  readonly result: CheckResult
  /**
   * It ran out of time, but so late that this process must have stood still: the answer may lie here unread, and it is not
   * the endpoint that is to blame.
   */
  readonly isDoubtful: boolean
  /** Settles when the probe has really ended, which one that ignores its signal does later or never. */
  readonly ended: Promise<void>
}

/** How much later than asked a timer may fire before we doubt ourselves. */
const MAX_LATE_MS = 50

/** Runs one check within its time. Never rejects. */
export function runCheck(probe: Probe, timeoutMs: number, clock: Clock, stop: AbortController): Promise<Finding> {
  const startedAt = clock.now()
  const ended = begun(probe, stop.signal)
  const settled = ended.then(
    () => {},
    () => {},
  )
  return new Promise((resolve) => {
    const done = (error: string | undefined, isDoubtful = false) => {
      cancel()
      const at = clock.now()
      const result = { passed: error === undefined, at, latencyMs: at - startedAt }
      resolve({ result: error === undefined ? result : { ...result, error }, isDoubtful, ended: settled })
    }
    const cancel = clock.setTimer(() => {
      done(`no result within ${timeoutMs} ms`, clock.now() - startedAt - timeoutMs > MAX_LATE_MS)
      stop.abort()
    }, timeoutMs)
    ended.then(
      () => done(undefined),
      (error: unknown) => done(reasonOf(error)),
    )
  })
}

async function begun(probe: Probe, signal: AbortSignal): Promise<void> {
  await probe.check(signal)
}
