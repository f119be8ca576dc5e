export type { AcquireOptions } from './adapters/acquire.ts'
export type { PgClientLike, PgDatabaseOptions, PgPoolLike } from './adapters/pg.ts'
export { pgDatabase } from './adapters/pg.ts'
export type { PGliteDatabaseOptions, PGliteLike, PGliteTransactionLike } from './adapters/pglite.ts'
export { pgliteDatabase } from './adapters/pglite.ts'
export type {
  PostgresDatabaseOptions,
  PostgresQueryLike,
  PostgresSqlLike,
  PostgresTransactionLike,
} from './adapters/postgres-js.ts'
export { postgresDatabase } from './adapters/postgres-js.ts'
export type { SqliteDatabaseOptions, SqliteLike, SqliteStatementLike } from './adapters/sqlite.ts'
export { sqliteDatabase } from './adapters/sqlite.ts'
export type { Database, Isolation, QueryResult, Row, RowCursor, Timeouts, Transaction, TransactionMode } from './database.ts'
export type { RequestParts } from './input/parts.ts'
export type { DatabaseTimeouts, JobOptions } from './job.ts'
export type { InputOptions, QueryRouteOptions } from './query/options.ts'
export type { PageColumn, PageOptions } from './query/page-options.ts'
export { query } from './query/query.ts'
export type { Bind, Choice, Sql, SqlPart } from './sql/sql.ts'
export { bind, bindJson, bindOptional, choice, ifMatch, sql } from './sql/sql.ts'
export type { SqlValue } from './sql/values.ts'
export { sqliteCodes, sqlStates } from './sqlstate.ts'
export type { Statements, TransactionOptions } from './transaction.ts'
export { transaction } from './transaction.ts'
