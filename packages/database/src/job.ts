import { type Checks, type Clock, type Context, options, systemClock } from '@gatelet/core'
import type { Database, Isolation, Timeouts, TransactionMode } from './database.ts'

/** How a route uses its database. */
export interface JobOptions<S extends object = {}> {
  /** Made by `pgDatabase`, `postgresDatabase`, `pgliteDatabase` or `sqliteDatabase`. */
  database: Database
  /** What the transaction may only do. GET and HEAD read only, whatever this says. Default: for other methods, false. */
  readOnly?: boolean
  /** `read committed`, `repeatable read` or `serializable`. Default: the database's own. */
  isolation?: Isolation
  /** Limits that the database itself keeps, for each transaction of this route. */
  timeouts?: DatabaseTimeouts
  /** Whom the statements run as (`SET LOCAL ROLE`). The user that connects must be a member. Undefined: that user itself. */
  role?: string | ((ctx: Context<S>) => string | undefined)
  /** What `current_setting('request.jwt.claims')` gives as JSON, for row-level security. Default: nothing is set. */
  claims?: (ctx: Context<S>) => object
  /** How often a transaction is made again that met another (40001, 40P01), 0 to 100. After that: 409. Default: 3. */
  retries?: number
  /** Where time and chance come from. */
  clock?: Clock
}

/** Limits that the database itself keeps. */
export interface DatabaseTimeouts {
  /** Milliseconds for each statement; then 504. Default: 5,000. */
  statementMs?: number
  /** Milliseconds for each lock that a statement waits for; then 409. Default: 2,000. */
  lockMs?: number
  /** Milliseconds between statements, a slow reader of a stream included; then the connection is closed. Default: 10,000. */
  idleMs?: number
}

const timeoutChecks: Checks<DatabaseTimeouts> = {
  statementMs: options.optional(options.milliseconds()),
  lockMs: options.optional(options.milliseconds()),
  idleMs: options.optional(options.milliseconds()),
}

const database: options.Check<Database> = (value, path) => {
  const { dialect, begin } = (value ?? {}) as Partial<Database>
  if (typeof begin !== 'function' || (dialect !== 'postgresql' && dialect !== 'sqlite'))
    throw options.wrong(value, path, 'made by pgDatabase(pool) or the like')
  return value as Database
}

/** The checks of `JobOptions`. */
export const jobChecks: Checks<JobOptions> = {
  database,
  readOnly: options.optional(options.boolean),
  isolation: options.optional(options.oneOf('read committed', 'repeatable read', 'serializable')),
  timeouts: options.optional(options.shape(timeoutChecks)),
  role: options.optional(
    options.either('a role, or a function of the context', options.string, options.fn<(ctx: Context) => string | undefined>()),
  ),
  claims: options.optional(options.fn<(ctx: Context) => object>('a function of the context')),
  retries: options.optional(options.number({ min: 0, max: 100, integer: true })),
  clock: options.optional(options.clock),
}

/** What a route asks of its database for each request. */
export interface Job<S extends object> {
  readonly database: Database
  readonly retries: number
  readonly clock: Clock
  mode(ctx: Context<S>): TransactionMode
}

/** Options, made ready. */
export function jobOf<S extends object>(checked: JobOptions<S>): Job<S> {
  const { database, isolation, role, claims, readOnly = false, retries = 3, clock = systemClock } = checked
  const { statementMs = 5_000, lockMs = 2_000, idleMs = 10_000 } = checked.timeouts ?? {}
  const timeouts: Timeouts = { statementMs, lockMs, idleMs }
  return {
    database,
    retries,
    clock,
    mode: (ctx) => ({
      readOnly: readOnly || isRead(ctx),
      isolation,
      timeouts,
      role: typeof role === 'function' ? role(ctx) : role,
      claims: claims && JSON.stringify(claims(ctx)),
    }),
  }
}

/** Whether a request must not change anything (RFC 9110 §9.2.1). */
export function isRead<S extends object>({ request }: Context<S>): boolean {
  return request.method === 'GET' || request.method === 'HEAD'
}
