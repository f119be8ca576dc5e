import type { Dialect } from './sql/compile.ts'

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>

/** What a statement gave. */
export interface QueryResult {
  readonly rows: readonly Row[]
  /** Rows given or changed. */
  readonly count: number
}

/** How a transaction is begun. */
export interface TransactionMode {
  readonly readOnly: boolean
  readonly isolation: Isolation | undefined
  readonly timeouts: Timeouts
  /** Whom the statements run as, until the end of the transaction. */
  readonly role: string | undefined
  /** JSON for `current_setting('request.jwt.claims')`. */
  readonly claims: string | undefined
}

/** SQL's own names. */
export type Isolation = 'read committed' | 'repeatable read' | 'serializable'

/** Milliseconds; 0 is not one of them: everything has an end. */
export interface Timeouts {
  readonly statementMs: number
  readonly lockMs: number
  readonly idleMs: number
}

/** A transaction that has begun, on a connection of its own. Its end, however it comes, gives the connection back once. */
export interface Transaction {
  query(text: string, values: readonly unknown[]): Promise<QueryResult>
  /** Asks for rows in pieces. The transaction's end is its end. */
  cursor(text: string, values: readonly unknown[]): Promise<RowCursor>
  /** @throws what the database says; the transaction is over all the same */
  commit(): Promise<void>
  /** Never rejects. */
  rollback(): Promise<void>
  /** Ends on the server what is going on. What waits for it is rejected; then `rollback` closes the connection. */
  cancel(): void
}

/** Rows that are fetched when they are wanted. */
export interface RowCursor {
  /** At most so many; fewer only at the end. */
  next(count: number): Promise<readonly Row[]>
}

/** A database as routes use it. Made by `pgDatabase`, `postgresDatabase`, `pgliteDatabase` or `sqliteDatabase`. */
export interface Database {
  readonly dialect: Dialect
  /**
   * Begins a transaction.
   * @param onAbort tells when nobody wants it any more: a connection that comes later goes back at once
   * @throws GatewayError `DATABASE_BUSY` where no connection is free in time
   */
  begin(mode: TransactionMode, onAbort: OnAbort): Promise<Transaction>
}

/** A context's `onAbort`. */
export type OnAbort = (listener: () => void) => () => void
