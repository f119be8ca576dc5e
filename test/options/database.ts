import {
  bind,
  type Database,
  pgDatabase,
  pgliteDatabase,
  postgresDatabase,
  query,
  sql,
  sqliteDatabase,
  transaction,
} from '@gatelet/database'
import type { Subject } from './subjects.ts'

const never = () => {}
const database: Database = { dialect: 'postgresql', begin: () => Promise.reject(new Error('not asked')) }
const acquiring = { acquireMs: 0, maxWaiting: 0, clock: {} }
const job = { database: {}, readOnly: 1, isolation: 'snapshot', role: 7, claims: {}, retries: -1, raised: 'maybe', clock: {} }
const input = { input: {}, from: 'body', maxBodyBytes: 0 }
const route = { database, mode: 'many', sql: sql`select ${bind('id')}` }
const timeouts = { timeouts: 5 }

/** The options of `@gatelet/database`. */
export const databaseSubjects: Readonly<Record<string, Subject>> = {
  AcquireOptions: { through: (options) => pgDatabase({ connect: never, on: never } as never, options), bad: acquiring },
  PgDatabaseOptions: { through: (options) => pgDatabase({ connect: never, on: never } as never, options), bad: acquiring },
  PGliteDatabaseOptions: { through: (o) => pgliteDatabase({ transaction: never, query: never } as never, o), bad: acquiring },
  PostgresDatabaseOptions: {
    through: (options) => postgresDatabase({ begin: never, unsafe: never, typed: never } as never, options),
    bad: acquiring,
  },
  SqliteDatabaseOptions: {
    through: (options) => sqliteDatabase({ prepare: never, exec: never } as never, options),
    bad: { ...acquiring, values: 'named' },
  },
  JobOptions: { through: query, good: route, bad: { ...job, ...timeouts } },
  InputOptions: { through: query, good: route, bad: input },
  QueryRouteOptions: {
    through: query,
    good: route,
    bad: {
      ...job,
      ...timeouts,
      ...input,
      sql: 'select 1',
      mode: 'all',
      status: 404,
      headers: { 'x-a': 1 },
      maxRows: 0,
      batchRows: 0,
      etag: 'weak',
      'etag.column': '',
      requireIfMatch: 1,
      page: {},
    },
  },
  PageOptions: {
    through: (page) => query({ ...route, page } as never),
    at: 'page',
    good: { by: [{ column: 'id', unique: true }], secret: 'a secret of the test' },
    bad: { by: [{ column: 'id' }], secret: 'short', size: 0, maxSize: 0 },
  },
  PageColumn: {
    through: (column) => query({ ...route, page: { by: [column], secret: 'a secret of the test' } } as never),
    at: 'page.by[0]',
    good: { column: 'id', unique: true },
    bad: { column: 'a"b', direction: 'up', unique: false },
  },
  DatabaseTimeouts: {
    through: (given) => query({ ...route, timeouts: given } as never),
    at: 'timeouts',
    bad: { statementMs: 0, lockMs: -1, idleMs: '1s' },
  },
  TransactionOptions: {
    through: transaction,
    good: { database, run: never },
    bad: { ...job, ...timeouts, ...input, run: 'select 1' },
  },
}
