import { type Checks, checkOptions, systemClock } from '@gatelet/core'
import type { Database, QueryResult, Row } from '../database.ts'
import { type AcquireOptions, acquireChecks, acquirer, withMethods } from './acquire.ts'
import { ended } from './ended.ts'
import { type PostgresWire, postgresTransaction } from './postgres-transaction.ts'

/** PGlite, by its shape. */
export interface PGliteLike {
  transaction(work: (transaction: PGliteTransactionLike) => Promise<unknown>): Promise<unknown>
}

/** What it gives to the work of a transaction. */
export interface PGliteTransactionLike {
  query(text: string, values?: never[], options?: never): Promise<unknown>
  exec(text: string): Promise<unknown>
}

/** How PGlite is used. */
export interface PGliteDatabaseOptions extends AcquireOptions {}

const checks: Checks<PGliteDatabaseOptions> = acquireChecks
const liteCheck = withMethods<PGliteLike>('a PGlite', 'transaction', 'query')

/**
 * PostgreSQL in this process, for development and tests. It has one connection, so requests wait for each other, and it works on the
 * event loop: nothing can be cancelled, and of `timeouts` only `idleMs` holds, for streams.
 * @throws GatewayError `BAD_OPTION`
 * @example const database = pgliteDatabase(await PGlite.create())
 */
export function pgliteDatabase(lite: PGliteLike, given: PGliteDatabaseOptions = {}): Database {
  liteCheck(lite, 'lite')
  const options = checkOptions('pgliteDatabase', given, checks)
  const { clock = systemClock } = options
  const begin = (work: (transaction: PGliteTransactionLike) => Promise<unknown>) => lite.transaction(work)
  const acquire = acquirer(
    () => ended(begin, wireOf),
    (late) => void late.rollback().catch(() => {}),
    options,
  )
  return {
    dialect: 'postgresql',
    begin: async (mode, onAbort) => postgresTransaction(await acquire(onAbort), '', mode, clock),
  }
}

function wireOf(transaction: PGliteTransactionLike, end: { commit(): Promise<void>; rollback(): Promise<void> }): PostgresWire {
  return {
    simple: (text) => transaction.exec(text),
    query: async (text, values) => resultOf(await transaction.query(text, values as never[], asText as never)),
    cancel: async () => {},
    commit: end.commit,
    rollback: end.rollback,
    // It is this process: what could be closed is the whole database.
    destroy: () => void end.rollback().catch(() => {}),
  }
}

// Values are text already, whatever their type: it would convert some of these once more. By the number of the type: bool, bytea,
// int8, int2, int4, text, json, float4, float8, varchar, date, timestamp, timestamptz, numeric, jsonb.
const types = [16, 17, 20, 21, 23, 25, 114, 700, 701, 1043, 1082, 1114, 1184, 1700, 3802]
const asText = { serializers: Object.fromEntries(types.map((type) => [type, (value: string) => value])) }

function resultOf(result: unknown): QueryResult {
  const { rows, affectedRows = 0 } = result as { rows: Row[]; affectedRows?: number }
  return { rows, count: affectedRows || rows.length }
}
