import { type Clock, type Context, stopReason } from '@gatelet/core'
import type { Transaction } from './database.ts'
import type { Job } from './job.ts'
import { databaseError, isRace } from './sqlstate.ts'

/** What work in a transaction gives, and whether what it has changed stays. */
export interface Outcome<T> {
  readonly result: T
  readonly isKept: boolean
}

/**
 * Does work in a transaction, and again in another when it met others there that changed the same. The client's leaving ends what the
 * database is doing.
 * @throws GatewayError by the table of SQLSTATE, and why the exchange was ended
 */
export async function inTransaction<S extends object, T>(
  job: Job<S>,
  ctx: Context<S>,
  work: (transaction: Transaction) => Promise<Outcome<T>>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await once(job, ctx, work)
    } catch (error) {
      if (!isRace(error) || attempt >= job.retries) throw error
      await pause(ctx, attempt, job.clock)
    }
  }
}

async function once<S extends object, T>(
  job: Job<S>,
  ctx: Context<S>,
  work: (transaction: Transaction) => Promise<Outcome<T>>,
): Promise<T> {
  const { transaction, release } = await open(job, ctx)
  try {
    const { result, isKept } = await work(transaction)
    if (isKept) await transaction.commit()
    return result
  } catch (error) {
    throw release.reason(error)
  } finally {
    await transaction.rollback()
    release.undo()
  }
}

/** A transaction that the client's leaving cancels. */
export interface Opened {
  readonly transaction: Transaction
  readonly release: {
    /** Stops listening to the client. */
    undo(): void
    /** What to tell of an error: that the client left, where it did. */
    reason(error: unknown): unknown
  }
}

/** Begins a transaction. Who asks must roll it back or commit it, and then `undo`. @throws GatewayError */
export async function open<S extends object>(job: Job<S>, ctx: Context<S>): Promise<Opened> {
  let isAborted = false
  const undoEarly = ctx.onAbort(() => {
    isAborted = true
  })
  const reason = (error: unknown) => (isAborted ? stopReason(ctx) : databaseError(error, job.raised))
  try {
    const transaction = await job.database.begin(job.mode(ctx), (listener) => ctx.onAbort(listener))
    if (isAborted) transaction.cancel()
    const undoLate = ctx.onAbort(() => transaction.cancel())
    const undo = () => {
      undoEarly()
      undoLate()
    }
    return { transaction, release: { undo, reason } }
  } catch (error) {
    undoEarly()
    throw reason(error)
  }
}

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 500

// Of chance alone: those who met once would meet again at the same moment.
async function pause<S extends object>(ctx: Context<S>, attempt: number, clock: Clock): Promise<void> {
  const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)
  let isAborted = false
  await new Promise<void>((resolve) => {
    const stop = clock.setTimer(end, clock.random() * most)
    const undo = ctx.onAbort(() => {
      isAborted = true
      end()
    })
    function end() {
      stop()
      undo()
      resolve()
    }
  })
  if (isAborted) throw stopReason(ctx)
}
