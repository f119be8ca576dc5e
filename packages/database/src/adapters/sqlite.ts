import { type Checks, checkOptions, GatewayError, options } from '@gatelet/core'
import type { Database, QueryResult, Row, RowCursor, Transaction } from '../database.ts'
import { type AcquireOptions, acquireChecks, acquirer, withMethods } from './acquire.ts'
import { Turns } from './turns.ts'

/** A database of better-sqlite3, node:sqlite or node-sqlite3-wasm, by its shape. */
export interface SqliteLike {
  prepare(text: string): SqliteStatementLike
  exec(text: string): unknown
}

/** A statement of it. */
export interface SqliteStatementLike {
  all(...values: never[]): unknown
  run(...values: never[]): unknown
  /** Whether it gives rows, where the client says so. */
  readonly reader?: boolean
  iterate(...values: never[]): Iterable<unknown>
  /** node-sqlite3-wasm keeps what is not finalised. */
  finalize?(): unknown
}

/** How a database of SQLite is used. */
export interface SqliteDatabaseOptions extends AcquireOptions {
  /** How statements take their values: one after the other (better-sqlite3, node:sqlite) or as one list (node-sqlite3-wasm). Default: `spread`. */
  values?: 'spread' | 'list'
}

const checks: Checks<SqliteDatabaseOptions> = {
  ...acquireChecks,
  values: options.optional(options.oneOf('spread', 'list')),
}
const sqliteCheck = withMethods<SqliteLike>('a database of better-sqlite3 or the like', 'prepare', 'exec')

/**
 * SQLite, by a client that answers at once. While a statement runs, or waits for a lock of another process (better-sqlite3: `timeout`,
 * 5 s if you do not say), the process does nothing else: for small databases and short statements. There is one connection, so
 * transactions wait for each other; nothing can be cancelled. Of `timeouts`, `idleMs` holds for streams; roles and claims are refused.
 * @throws GatewayError `BAD_OPTION`
 * @example const database = sqliteDatabase(new Database('shop.db'))
 */
export function sqliteDatabase(sqlite: SqliteLike, given: SqliteDatabaseOptions = {}): Database {
  sqliteCheck(sqlite, 'sqlite')
  const checked = checkOptions('sqliteDatabase', given, checks)
  const turns = new Turns()
  const acquire = acquirer(
    () => turns.next(),
    (late) => late(),
    checked,
  )
  return {
    dialect: 'sqlite',
    async begin({ readOnly }, onAbort) {
      const done = await acquire(onAbort)
      const transaction = new SqliteTransaction(sqlite, checked.values ?? 'spread', readOnly, done)
      transaction.start()
      return transaction
    },
  }
}

class SqliteTransaction implements Transaction {
  private readonly sqlite: SqliteLike
  private readonly way: 'spread' | 'list'
  private readonly isReadOnly: boolean
  private readonly done: () => void
  private close: (() => void) | undefined
  private isOver = false

  constructor(sqlite: SqliteLike, way: 'spread' | 'list', isReadOnly: boolean, done: () => void) {
    this.sqlite = sqlite
    this.way = way
    this.isReadOnly = isReadOnly
    this.done = done
  }

  start(): void {
    try {
      if (this.isReadOnly) this.sqlite.exec('PRAGMA query_only = 1')
      this.sqlite.exec(this.isReadOnly ? 'BEGIN' : 'BEGIN IMMEDIATE')
    } catch (error) {
      this.giveBack()
      throw error
    }
  }

  async query(text: string, values: readonly unknown[]): Promise<QueryResult> {
    this.checkOpen()
    const statement = this.sqlite.prepare(text)
    try {
      // better-sqlite3 wants `run` for what gives no rows; the others take `all` for everything.
      const read = statement.reader === false ? statement.run : statement.all
      const result = read.apply(statement, this.given(values))
      const rows = Array.isArray(result) ? (result as Row[]) : []
      return { rows, count: rows.length || this.changes() }
    } finally {
      statement.finalize?.()
    }
  }

  async cursor(text: string, values: readonly unknown[]): Promise<RowCursor> {
    this.checkOpen()
    const statement = this.sqlite.prepare(text)
    let rows: Iterator<Row> | undefined
    this.close = () => {
      // A statement that is not at its end keeps the transaction from its own.
      rows?.return?.()
      statement.finalize?.()
    }
    const found = (statement.iterate(...this.given(values)) as Iterable<Row>)[Symbol.iterator]()
    rows = found
    return { next: async (count) => taken(found, count) }
  }

  async commit(): Promise<void> {
    this.end('COMMIT')
  }

  async rollback(): Promise<void> {
    if (this.isOver) return
    try {
      this.end('ROLLBACK')
    } catch {
      // Nobody can do more than has been tried.
    }
  }

  // There is nobody to tell: when this runs, no statement does.
  cancel(): void {}

  private given(values: readonly unknown[]): never[] {
    return (this.way === 'list' ? [values] : values) as never[]
  }

  private changes(): number {
    const statement = this.sqlite.prepare('select changes() as count')
    const [row] = statement.all() as Row[]
    statement.finalize?.()
    return Number(row?.['count'] ?? 0)
  }

  // A statement that comes late would be one of somebody else's transaction.
  private checkOpen(): void {
    if (this.isOver) throw new GatewayError('INTERNAL', { message: 'a statement was asked after the end of its transaction' })
  }

  private end(how: 'COMMIT' | 'ROLLBACK'): void {
    try {
      this.close?.()
      this.sqlite.exec(how)
    } catch (error) {
      this.undo()
      throw error
    } finally {
      this.giveBack()
    }
  }

  private undo(): void {
    try {
      this.sqlite.exec('ROLLBACK')
    } catch {
      // What failed has ended it already.
    }
  }

  // As it was: the program may write by it, too.
  private giveBack(): void {
    this.isOver = true
    try {
      if (this.isReadOnly) this.sqlite.exec('PRAGMA query_only = 0')
    } finally {
      this.done()
    }
  }
}

function taken(rows: Iterator<Row>, count: number): Row[] {
  const found: Row[] = []
  while (found.length < count) {
    const { value, done } = rows.next()
    if (done) break
    found.push(value)
  }
  return found
}
