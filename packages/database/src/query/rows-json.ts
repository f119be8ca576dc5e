import type { Row } from '../database.ts'

/** A row as JSON. Whole numbers beyond 2^53 are text, bytes are base64, dates are ISO 8601. */
export function rowJson(row: Row): string {
  for (const value of Object.values(row)) if (isStrange(value)) return JSON.stringify(plainRow(row))
  return JSON.stringify(row)
}

/** Rows as a JSON array. */
export function rowsJson(rows: readonly Row[]): string {
  return `[${rows.map(rowJson).join(',')}]`
}

// Looked for first: nearly all rows have none, and go to the engine as they are.
const isStrange = (value: unknown): boolean =>
  typeof value === 'bigint' || value instanceof Uint8Array || (Array.isArray(value) && value.some(isStrange))

function plainRow(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]))
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  return Array.isArray(value) ? value.map(plain) : value
}
