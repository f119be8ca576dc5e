import { type Clock, GatewayError } from '@gatelet/core'
import type { QueryResult, RowCursor, Transaction, TransactionMode } from '../database.ts'

/** One connection to PostgreSQL that is ours for a while, as a client gives it. */
export interface PostgresWire {
  /** Statements without values, several with semicolons between them. */
  simple(text: string): Promise<unknown>
  query(text: string, values: readonly (string | null)[]): Promise<QueryResult>
  /** Ends on the server what is going on; resolves when the server has been told. */
  cancel(): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
  /** Closes the connection. */
  destroy(): void
}

// The server's own limit comes first; this is for a server that does not answer at all.
const SILENT_MS = 2_000
// FETCH reads its count as four bytes.
const MAX_FETCH = 2_147_483_647

/** Begins a transaction. The client has not sent BEGIN, or has sent it bare. */
export async function postgresTransaction(
  wire: PostgresWire,
  begin: '' | 'BEGIN',
  mode: TransactionMode,
  clock: Clock,
): Promise<Transaction> {
  const transaction = new PostgresTransaction(wire, mode.timeouts.statementMs + SILENT_MS, clock)
  try {
    await transaction.start(begin, mode)
    return transaction
  } catch (error) {
    await transaction.rollback()
    throw error
  }
}

class PostgresTransaction implements Transaction {
  private readonly wire: PostgresWire
  private readonly silentMs: number
  private readonly clock: Clock
  private isOver = false
  private isStopped = false
  private running = 0
  private cancelling: Promise<void> | undefined

  constructor(wire: PostgresWire, silentMs: number, clock: Clock) {
    this.wire = wire
    this.silentMs = silentMs
    this.clock = clock
  }

  async start(begin: '' | 'BEGIN', mode: TransactionMode): Promise<void> {
    await this.within(() => this.wire.simple(settingsOf(begin, mode)))
    // `set_config` takes values; SET does not.
    if (mode.role !== undefined) await this.query("select set_config('role', $1, true)", [mode.role])
    if (mode.claims !== undefined) await this.query("select set_config('request.jwt.claims', $1, true)", [mode.claims])
  }

  query(text: string, values: readonly unknown[]): Promise<QueryResult> {
    return this.within(() => this.wire.query(text, values as readonly (string | null)[]))
  }

  async cursor(text: string, values: readonly unknown[]): Promise<RowCursor> {
    // Of SQL, not of a client's own protocol: it works with all of them.
    await this.query(`declare gatelet_rows no scroll cursor for ${text}`, values)
    return { next: async (count) => (await this.query(`fetch forward ${Math.min(count, MAX_FETCH)} from gatelet_rows`, [])).rows }
  }

  async commit(): Promise<void> {
    await this.within(() => {
      // From here on, only the client ends it: whether a COMMIT that was cut short counted, nobody knows.
      this.isOver = true
      return this.wire.commit()
    })
  }

  async rollback(): Promise<void> {
    if (this.isOver) return
    this.isOver = true
    const { cancelling } = this
    try {
      // A cancel that is still on its way would hit whoever has the connection next: nobody may.
      await this.timed(() => cancelling ?? this.wire.rollback())
      if (cancelling !== undefined) this.wire.destroy()
    } catch {
      this.wire.destroy()
    }
  }

  cancel(): void {
    if (this.isOver || this.isStopped) return
    this.isStopped = true
    // Between statements there is nothing to end, and the connection stays good.
    if (this.running > 0) this.cancelling = this.wire.cancel().catch(() => {})
  }

  /** @throws GatewayError `DATABASE_TIMEOUT` where the server is silent for longer than it may work */
  private async within<T>(work: () => Promise<T>): Promise<T> {
    if (this.isOver || this.isStopped) throw new GatewayError('CLIENT_CLOSED')
    return this.timed(work)
  }

  private timed<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = this.clock.setTimer(() => {
        this.isOver = true
        this.wire.destroy()
        reject(new GatewayError('DATABASE_TIMEOUT', { message: `the database is silent for ${this.silentMs} ms` }))
      }, this.silentMs)
      this.running++
      work()
        .finally(() => {
          this.running--
          stop()
        })
        .then(resolve, reject)
    })
  }
}

// Numbers of checked options, and words of ours: nothing of a request is in here.
function settingsOf(begin: '' | 'BEGIN', { readOnly, isolation, timeouts }: TransactionMode): string {
  const { statementMs, lockMs, idleMs } = timeouts
  const modes = [...(isolation ? [`ISOLATION LEVEL ${isolation}`] : []), readOnly ? 'READ ONLY' : 'READ WRITE']
  return [
    ...(begin ? [begin] : []),
    `SET TRANSACTION ${modes.join(', ')}`,
    `SET LOCAL statement_timeout = ${Math.ceil(statementMs)}`,
    `SET LOCAL lock_timeout = ${Math.ceil(lockMs)}`,
    `SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(idleMs)}`,
  ].join('; ')
}
