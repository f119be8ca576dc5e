import { type Checks, type Clock, type Context, type ErrorCode, GatewayError, options, systemClock } from '@gatelet/core'
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
  /**
   * Whom the statements run as (`SET LOCAL ROLE`). The user that connects must be a member. Undefined: that user itself; what gives an
   * empty text or `none`, by which PostgreSQL means that user too, is answered 403. Not with SQLite.
   */
  role?: string | ((ctx: Context<S>) => string | undefined)
  /** What `current_setting('request.jwt.claims')` gives as JSON, for row-level security. Default: nothing is set. Not with SQLite. */
  claims?: (ctx: Context<S>) => object
  /** How often a transaction is made again that met another (40001, 40P01), 0 to 100. After that: 409. Default: 3. */
  retries?: number
  /**
   * What `raise exception` without a code of its own (P0001), in a function or a trigger, is for the client: a `refusal`, 400 without
   * its text, or a `failure`, 500. Default: `failure`.
   */
  raised?: 'refusal' | 'failure'
  /** Where time and chance come from. */
  clock?: Clock
}

/** Limits that the database itself keeps. */
export interface DatabaseTimeouts {
  /** Milliseconds for each statement; then 504. Default: 5,000. */
  statementMs?: number
  /** Milliseconds for each lock that a statement waits for; then 409. Default: 2,000. */
  lockMs?: number
  /**
   * Milliseconds between statements, and that a stream waits for its reader; then the transaction ends, and a stream breaks off.
   * Default: 10,000.
   */
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

const roleName: options.Check<string> = (value, path) => {
  if (value === 'none') throw options.wrong(value, path, 'a role other than none')
  return options.string(value, path)
}

/** The checks of `JobOptions`. */
export const jobChecks: Checks<JobOptions> = {
  database,
  readOnly: options.optional(options.boolean),
  isolation: options.optional(options.oneOf('read committed', 'repeatable read', 'serializable')),
  timeouts: options.optional(options.shape(timeoutChecks)),
  role: options.optional(
    options.either(
      'a role other than none, or a function of the context',
      roleName,
      options.fn<(ctx: Context) => string | undefined>(),
    ),
  ),
  claims: options.optional(options.fn<(ctx: Context) => object>('a function of the context')),
  retries: options.optional(options.number({ min: 0, max: 100, integer: true })),
  raised: options.optional(options.oneOf('refusal', 'failure')),
  clock: options.optional(options.clock),
}

/** What a route asks of its database for each request. */
export interface Job<S extends object> {
  readonly database: Database
  readonly retries: number
  readonly raised: ErrorCode
  readonly timeouts: Timeouts
  readonly clock: Clock
  isReadOnly(ctx: Context<S>): boolean
  mode(ctx: Context<S>): TransactionMode
}

/** Options, made ready. @throws GatewayError `BAD_OPTION` for roles and claims with SQLite, which has neither */
export function jobOf<S extends object>(checked: JobOptions<S>): Job<S> {
  const { database, isolation, role, claims, readOnly = false, retries = 3, clock = systemClock } = checked
  const { statementMs = 5_000, lockMs = 2_000, idleMs = 10_000 } = checked.timeouts ?? {}
  const timeouts: Timeouts = { statementMs, lockMs, idleMs }
  if (database.dialect === 'sqlite') {
    if (role !== undefined) throw options.wrong(role, 'role', 'left out: SQLite has no roles')
    if (claims) throw options.wrong(claims, 'claims', 'left out: SQLite has no row-level security')
  }
  const isReadOnly = (ctx: Context<S>) => readOnly || isRead(ctx)
  return {
    database,
    retries,
    raised: checked.raised === 'refusal' ? 'INVALID_REQUEST' : 'DATABASE_FAILED',
    timeouts,
    clock,
    isReadOnly,
    mode: (ctx) => ({
      readOnly: isReadOnly(ctx),
      isolation,
      timeouts,
      role: typeof role === 'function' ? named(role(ctx)) : role,
      claims: claims && JSON.stringify(claims(ctx)),
    }),
  }
}

// Where it comes from a token, a client could be the user that connects by this, who may do more.
function named(role: string | undefined): string | undefined {
  if (role === '' || role === 'none') throw new GatewayError('FORBIDDEN', { message: `"${role}" is no role` })
  return role
}

/** Whether a request must not change anything (RFC 9110 §9.2.1). */
export function isRead<S extends object>({ request }: Context<S>): boolean {
  return request.method === 'GET' || request.method === 'HEAD'
}
