import { GatewayError } from '@gatelet/core'

/** What a bind may hold. Objects go by `bindJson`. */
export type SqlValue = string | number | bigint | boolean | null | Date | Uint8Array | readonly SqlValue[]

/**
 * A value as PostgreSQL reads it: text, whose type the server infers from the statement. One spelling for all clients, so
 * that none of them guesses: some of them lose microseconds, or write a list as JSON.
 * @throws GatewayError `INTERNAL` for what is no `SqlValue`: the schema let an object through
 */
export function postgresText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  if (value instanceof Date) return dateText(value)
  if (Array.isArray(value)) return `{${Array.from(value, elementText).join(',')}}`
  throw noValue(value)
}

// PostgreSQL §8.15.2: in double quotes, nothing but `"` and `\` means anything.
function elementText(value: unknown): string {
  const text = postgresText(value)
  if (text === null) return 'NULL'
  return Array.isArray(value) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}

/**
 * A value as SQLite takes it: it has no booleans, dates and lists. A list is JSON, for `json_each`.
 * @throws GatewayError `INTERNAL` for what is no `SqlValue`
 */
export function sqliteValue(value: unknown): string | number | bigint | Uint8Array | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Uint8Array) return value
  if (value instanceof Date) return dateText(value)
  if (Array.isArray(value)) return JSON.stringify(Array.from(value, sqliteValue))
  throw noValue(value)
}

function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) throw noValue(date)
  return date.toISOString()
}

const noValue = (value: unknown) =>
  new GatewayError('INTERNAL', {
    message: `a bind takes text, numbers, true or false, null, dates, bytes and lists of them, not ${value instanceof Date ? 'an invalid date' : `a value of type ${typeof value}; bindJson takes objects`}`,
  })
