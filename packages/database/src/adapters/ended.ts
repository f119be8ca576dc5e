/** How a transaction that a client runs as a call-back is ended. */
export interface End {
  commit(): Promise<void>
  rollback(): Promise<void>
  /** Whether it is over, be it that its connection has gone: then nothing may be asked on it. */
  readonly isOver: boolean
}

/**
 * Turns a client's `transaction(work)` inside out: begins it, and gives what ends it.
 * @param begin the client's function. It commits when the work's promise is fulfilled, and rolls back when it is rejected
 * @param make what to give, of the client's transaction and of its end
 */
export function ended<T, W>(
  begin: (work: (transaction: T) => Promise<unknown>) => Promise<unknown>,
  make: (transaction: T, end: End) => W,
): Promise<W> {
  return new Promise((resolve, reject) => {
    let settle: { commit: () => void; rollback: (reason: Error) => void } | undefined
    let isOver = false
    const unwanted = new Error('rolled back')
    const whole = begin(
      (transaction) =>
        new Promise<void>((commit, rollback) => {
          settle = { commit, rollback }
          resolve(make(transaction, end))
        }),
    )
    const end: End = {
      get isOver() {
        return isOver
      },
      async commit() {
        settle?.commit()
        await whole
      },
      async rollback() {
        settle?.rollback(unwanted)
        await whole.catch((error: unknown) => {
          if (error !== unwanted) throw error
        })
      },
    }
    // Also the end of a connection in the middle of a transaction, which its query tells too.
    whole.catch(reject).finally(() => {
      isOver = true
    })
  })
}
