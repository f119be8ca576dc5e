import { type Checks, checkOptions, GatewayError, systemClock } from '@gatelet/core'
import type { Database, QueryResult, Row } from '../database.ts'
import { isLost } from '../sqlstate.ts'
import { type AcquireOptions, acquireChecks, acquirer, withMethods } from './acquire.ts'
import { type End, ended } from './ended.ts'
import { type PostgresWire, postgresTransaction } from './postgres-transaction.ts'

/** The `sql` of `postgres` (postgres.js, 3), by its shape. */
export interface PostgresSqlLike {
  begin(work: (transaction: PostgresTransactionLike) => Promise<unknown>): Promise<unknown>
  typed(value: never, type: number): unknown
}

/** What it gives to the work of a transaction. */
export interface PostgresTransactionLike {
  unsafe(text: string, values?: never[]): PostgresQueryLike
}

/** A query of it that may be cancelled. */
export interface PostgresQueryLike extends PromiseLike<unknown> {
  cancel(): unknown
  /** What `cancel` calls: it tells the server, and resolves when the server has closed. */
  readonly canceller?: ((query: never) => unknown) | null
}

/** How `postgres` is used. */
export interface PostgresDatabaseOptions extends AcquireOptions {}

const checks: Checks<PostgresDatabaseOptions> = acquireChecks
const sqlCheck = withMethods<PostgresSqlLike>('what postgres() of postgres.js gives', 'begin', 'unsafe', 'typed')

/**
 * PostgreSQL by `postgres` (postgres.js), whose `sql` you make and end. Give its pool room: `max` connections, of which a request
 * takes one for its transaction.
 * @throws GatewayError `BAD_OPTION`
 * @example const database = postgresDatabase(postgres('postgres://…', { max: 20 }))
 */
export function postgresDatabase(sql: PostgresSqlLike, given: PostgresDatabaseOptions = {}): Database {
  sqlCheck(sql, 'sql')
  const options = checkOptions('postgresDatabase', given, checks)
  const { clock = systemClock } = options
  const acquire = acquirer(
    () => begun(sql),
    (late) => void late.rollback().catch(() => {}),
    options,
  )
  return {
    dialect: 'postgresql',
    begin: async (mode, onAbort) => postgresTransaction(await acquire(onAbort), '', mode, clock),
  }
}

// Not `sql.reserve()`: of a connection that dies while it is reserved, nobody is told, and the next query throws where nobody
// can catch it.
async function begun(sql: PostgresSqlLike): Promise<PostgresWire> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ended<PostgresTransactionLike, PostgresWire>(
        (work) => sql.begin(work),
        (transaction, end) => wireOf(sql, transaction, end),
      )
    } catch (error) {
      // Of a connection that was killed, it tells the one who asks next (3.4.9): nothing was asked, so it is asked again.
      if (attempt === MAX_STALE || !isStale(error)) throw error
    }
  }
}

const MAX_STALE = 3

const isStale = (error: unknown) => /^(?:57P0[125]|25P03|CONNECTION_CLOSED)$/.test(String((error as { code?: unknown })?.code))

const closed = () =>
  new GatewayError('DATABASE_UNAVAILABLE', { message: 'the connection was closed', headers: { 'retry-after': '1' } })

// The type that says "unknown": the server infers it, and the client's own ideas of dates and JSON stay out of it.
const UNKNOWN_TYPE = 705

function wireOf(sql: PostgresSqlLike, transaction: PostgresTransactionLike, end: End) {
  let running: PostgresQueryLike | undefined
  let isLostNow = false
  const run = async (text: string, values?: never[]) => {
    // On a connection that is gone, a query throws where nobody can catch it.
    if (isLostNow || end.isOver) throw closed()
    running = transaction.unsafe(text, values)
    try {
      return await running
    } catch (error) {
      if (isLost(error)) isLostNow = true
      throw error
    } finally {
      running = undefined
    }
  }
  const wire: PostgresWire = {
    simple: (text) => run(text),
    async query(text, values) {
      const typed = values.map((value) => (value === null ? null : sql.typed(value as never, UNKNOWN_TYPE)))
      return resultOf(await run(text, typed as never[]))
    },
    // `cancel()` of a query drops the canceller's promise: nobody would know when the server has been told, and where it cannot be
    // reached, a rejection that nobody hears ends the process.
    async cancel() {
      const query = running
      await (query?.canceller ? query.canceller(query as never) : query?.cancel())
    },
    commit: () => end.commit(),
    async rollback() {
      if (!isLostNow && !end.isOver) await end.rollback()
    },
    // It closes no single connection. What was cancelled has been told so by now, and its ROLLBACK comes behind that: a connection
    // that has answered it is good again. One that does not answer stays where it is.
    destroy() {
      if (!isLostNow && !end.isOver) void end.rollback().catch(() => {})
    },
  }
  return wire
}

function resultOf(result: unknown): QueryResult {
  const { count } = result as { count: number | null }
  const rows = Array.from(result as Iterable<Row>)
  return { rows, count: count ?? rows.length }
}
