import { type Checks, checkOptions, GatewayError, systemClock } from '@gatelet/core'
import type { Database, QueryResult, Row } from '../database.ts'
import { isLost } from '../sqlstate.ts'
import { type AcquireOptions, acquireChecks, acquirer, withMethods } from './acquire.ts'
import { cancelRequest } from './cancel-request.ts'
import { type PostgresWire, postgresTransaction } from './postgres-transaction.ts'

/** A pool of `pg` (8 or later), by its shape. */
export interface PgPoolLike {
  connect(): Promise<PgClientLike>
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** A client of that pool. */
export interface PgClientLike {
  query(text: string, values?: unknown[]): Promise<unknown>
  release(destroy?: boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** How a pool of `pg` is used. */
export interface PgDatabaseOptions extends AcquireOptions {}

const checks: Checks<PgDatabaseOptions> = acquireChecks
const poolCheck = withMethods<PgPoolLike>('a Pool of pg', 'connect', 'on')

/**
 * PostgreSQL by a pool of `pg`, which you make and end. Statements that are no longer wanted are ended by CancelRequest, which needs
 * no connection of the pool; the connection is closed then.
 * @throws GatewayError `BAD_OPTION`
 * @example const database = pgDatabase(new Pool({ connectionString, max: 20 }))
 */
export function pgDatabase(pool: PgPoolLike, given: PgDatabaseOptions = {}): Database {
  poolCheck(pool, 'pool')
  const options = checkOptions('pgDatabase', given, checks)
  const { clock = systemClock } = options
  // A connection that dies while it is idle is told here; unheard, it would end the process.
  pool.on('error', ignored)
  const acquire = acquirer(
    () => pool.connect(),
    (late) => late.release(),
    options,
  )
  return {
    dialect: 'postgresql',
    begin: async (mode, onAbort) => postgresTransaction(wireOf(await acquire(onAbort)), 'BEGIN', mode, clock),
  }
}

function wireOf(client: PgClientLike): PostgresWire {
  let isLostNow = false
  let isReleased = false
  const onError = () => {
    isLostNow = true
  }
  // While it is ours, the pool does not listen.
  client.on('error', onError)
  const release = (destroy: boolean) => {
    if (isReleased) return
    isReleased = true
    client.release(destroy || isLostNow)
    client.removeListener('error', onError)
    if (destroy || isLostNow) client.on('error', ignored)
  }
  const noting = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      if (isLost(error)) isLostNow = true
      throw error
    }
  }
  return {
    simple: (text) => noting(client.query(text)),
    query: async (text, values) => resultOf(await noting(client.query(text, [...values]))),
    cancel: () => cancelled(client),
    async commit() {
      try {
        checkCommitted(await noting(client.query('COMMIT')))
      } finally {
        release(false)
      }
    },
    async rollback() {
      await noting(client.query('ROLLBACK'))
      release(false)
    },
    destroy: () => release(true),
  }
}

const ignored = () => {}

// Several results where the text has several statements: the last is what counts.
function resultOf(result: unknown): QueryResult {
  const { rows, rowCount } = (Array.isArray(result) ? result.at(-1) : result) as { rows: Row[]; rowCount: number | null }
  return { rows, count: rowCount ?? rows.length }
}

// PostgreSQL answers COMMIT with ROLLBACK where a statement before it has failed and somebody has kept that quiet.
function checkCommitted(result: unknown): void {
  const { command } = result as { command?: string }
  if (command === 'ROLLBACK') throw new GatewayError('DATABASE_FAILED', { message: 'a statement failed: nothing was committed' })
}

interface Cancellable {
  readonly host?: unknown
  readonly port?: unknown
  readonly processID?: unknown
  readonly secretKey?: unknown
}

// What a client does not say of itself (another implementation of it) cannot be cancelled: the server's own limit ends it.
async function cancelled(client: PgClientLike): Promise<void> {
  const { host, port, processID, secretKey } = client as Cancellable
  if (typeof processID !== 'number' || typeof secretKey !== 'number' || typeof host !== 'string') return
  await cancelRequest({ host, port: Number(port), processID, secretKey })
}
