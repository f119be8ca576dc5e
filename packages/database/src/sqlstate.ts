import { type ErrorCode, GatewayError } from '@gatelet/core'

/**
 * What a failure of PostgreSQL is for the client, by SQLSTATE: five characters, or the first two for a whole class (PostgreSQL,
 * appendix A). What is not here is `DATABASE_FAILED`, a 500: the statement is at fault, and no request could be right.
 */
export const sqlStates: Readonly<Record<string, ErrorCode>> = {
  // 503: the server takes no connections
  '08': 'DATABASE_UNAVAILABLE', // connection exceptions
  '28': 'DATABASE_UNAVAILABLE', // our own password or user name
  '3D': 'DATABASE_UNAVAILABLE', // there is no such database
  '53': 'DATABASE_BUSY', // too many connections, out of memory or disk
  '57P01': 'DATABASE_UNAVAILABLE', // terminated by an administrator
  '57P02': 'DATABASE_UNAVAILABLE', // terminated by a crash
  '57P03': 'DATABASE_UNAVAILABLE', // starting up or going down
  '57P05': 'DATABASE_UNAVAILABLE', // idle session timeout
  // 504: too slow
  '57014': 'DATABASE_TIMEOUT', // query cancelled, as statement_timeout does
  '25P03': 'DATABASE_TIMEOUT', // idle in a transaction: whoever reads is too slow
  '25P04': 'DATABASE_TIMEOUT', // transaction timeout
  // 409
  '23503': 'CONFLICT', // foreign key
  '23505': 'CONFLICT', // unique
  '23P01': 'CONFLICT', // exclusion
  '23001': 'CONFLICT', // restrict
  '40001': 'RACE', // serialisation failure, asked again before it is told
  '40P01': 'RACE', // deadlock, likewise
  '55P03': 'RACE', // lock not available, as lock_timeout says
  // 400: the values
  '22': 'INVALID_REQUEST', // data exceptions: out of range, not a date, a division by zero
  '23502': 'INVALID_REQUEST', // not null
  '23514': 'INVALID_REQUEST', // check
  '44': 'INVALID_REQUEST', // with check option
  // 403, 405
  '42501': 'FORBIDDEN', // privileges, and policies of row-level security
  '25006': 'METHOD_NOT_ALLOWED', // a write in a read: GET and HEAD are READ ONLY
}

/** Codes of SQLite by which it says the same: better-sqlite3 writes them into `code`. */
export const sqliteCodes: Readonly<Record<string, ErrorCode>> = {
  SQLITE_BUSY: 'DATABASE_BUSY',
  SQLITE_LOCKED: 'DATABASE_BUSY',
  SQLITE_FULL: 'DATABASE_BUSY',
  SQLITE_CANTOPEN: 'DATABASE_UNAVAILABLE',
  SQLITE_IOERR: 'DATABASE_UNAVAILABLE',
  SQLITE_CONSTRAINT_UNIQUE: 'CONFLICT',
  SQLITE_CONSTRAINT_PRIMARYKEY: 'CONFLICT',
  SQLITE_CONSTRAINT_ROWID: 'CONFLICT',
  SQLITE_CONSTRAINT_FOREIGNKEY: 'CONFLICT',
  SQLITE_CONSTRAINT_NOTNULL: 'INVALID_REQUEST',
  SQLITE_CONSTRAINT_CHECK: 'INVALID_REQUEST',
  SQLITE_CONSTRAINT_DATATYPE: 'INVALID_REQUEST',
  SQLITE_MISMATCH: 'INVALID_REQUEST',
  SQLITE_TOOBIG: 'INVALID_REQUEST',
  SQLITE_READONLY: 'METHOD_NOT_ALLOWED',
}

/**
 * What was thrown, as the error that is told. Of what the database said nothing reaches the client, since it names tables, columns and
 * values of rows; it is the `cause`, for logs. An error of Gatelet's stays as it is.
 * @param raised what P0001 is: `raise exception` without a code of its own
 */
export function databaseError(thrown: unknown, raised: ErrorCode = 'DATABASE_FAILED'): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  const state = stateOf(thrown)
  const known = state === 'P0001' ? raised : codeOf(state)
  const code = isLost(thrown) ? 'DATABASE_UNAVAILABLE' : (known ?? 'DATABASE_FAILED')
  return new GatewayError(code, { message: messageOf(thrown, state), headers: fields[code] ?? {}, cause: thrown })
}

/** Whether the same transaction may well succeed when it is made again: 40001 and 40P01. */
export function isRace(thrown: unknown): boolean {
  const state = stateOf(thrown instanceof GatewayError ? thrown.cause : thrown)
  return state === '40001' || state === '40P01'
}

/** Whether the connection is gone, by what the clients say. */
export function isLost(thrown: unknown): boolean {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code === 'string' && /^(?:57P0[1235]|E[A-Z]{2,}|EAI_AGAIN|CONNECTION_\w+|CONNECT_TIMEOUT)$/.test(code)) return true
  return typeof message === 'string' && /^connection terminated|not queryable|connection timeout/i.test(message)
}

/** SQLSTATE, or what SQLite has instead; undefined where there is none. */
function stateOf(thrown: unknown): string | undefined {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code === 'string' && (/^[0-9A-Z]{5}$/.test(code) || code.startsWith('SQLITE_'))) return code
  return typeof message === 'string' ? sqliteState(message) : undefined
}

// RFC 9110 §15.5.6 wants Allow, §10.2.3 describes Retry-After.
const fields: Partial<Record<ErrorCode, Readonly<Record<string, string>>>> = {
  METHOD_NOT_ALLOWED: { allow: 'POST' },
  DATABASE_BUSY: { 'retry-after': '1' },
  DATABASE_UNAVAILABLE: { 'retry-after': '1' },
}

function codeOf(state: string | undefined): ErrorCode | undefined {
  if (state === undefined) return undefined
  if (state.startsWith('SQLITE_')) return sqliteCodes[state] ?? sqliteCodes[state.split('_', 2).join('_')]
  return sqlStates[state] ?? sqlStates[state.slice(0, 2)]
}

// Clients of SQLite without a code of its own say it in words.
function sqliteState(message: string): string | undefined {
  const [, kind] = /(UNIQUE|FOREIGN KEY|NOT NULL|CHECK) constraint failed/.exec(message) ?? []
  if (kind) return `SQLITE_CONSTRAINT_${kind.replace(' ', '')}`
  if (/database (?:table )?is locked/.test(message)) return 'SQLITE_BUSY'
  return /attempt to write a readonly database/.test(message) ? 'SQLITE_READONLY' : undefined
}

function messageOf(thrown: unknown, state: string | undefined): string {
  const said = thrown instanceof Error ? thrown.message : String(thrown)
  return state === undefined ? said : `${state}: ${said}`
}
