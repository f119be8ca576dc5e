import { type Checks, options } from '@gatelet/core'

/** How rows are given in pages, each with the way to the next (keyset pagination). */
export interface PageOptions {
  /** What they are sorted by: columns of the statement that are never null, at most 8. The last one must be unique, so that no two rows are equal. */
  by: readonly PageColumn[]
  /** Signs the cursors, so that clients cannot make any: at least 16 bytes, the same on all servers. */
  secret: string
  /** Rows of a page where the client does not say by `limit`, 1 to 10,000. Default: 50. */
  size?: number
  /** The largest `limit`, 1 to 10,000; more is refused with 400. Default: 200. */
  maxSize?: number
}

/** One column to sort by. */
export interface PageColumn {
  /** Its name, as the statement gives it. */
  column: string
  /** Default: `asc`. */
  direction?: 'asc' | 'desc'
  /** Whether no two rows have the same. Default: false. */
  unique?: boolean
}

const columnName: options.Check<string> = (value, path) => {
  if (typeof value !== 'string' || !/^[A-Za-z_]\w{0,62}$/.test(value))
    throw options.wrong(value, path, 'the name of a column, of letters, digits and _')
  return value
}

const columnChecks: Checks<PageColumn> = {
  column: columnName,
  direction: options.optional(options.oneOf('asc', 'desc')),
  unique: options.optional(options.boolean),
}

const columns: options.Check<readonly PageColumn[]> = (value, path) => {
  const found = options.list(options.shape(columnChecks), { min: 1, max: 8 })(value, path)
  const last = found.length - 1
  // Of rows that are equal, one page would end between them, and the next leave out the rest.
  if (!found[last]?.unique)
    throw options.wrong(found[last]?.unique, `${path}[${last}].unique`, 'true for the last column: it breaks ties')
  return found
}

const secret: options.Check<string> = (value, path) => {
  if (typeof value !== 'string' || Buffer.byteLength(value) < 16)
    throw options.wrong(typeof value === 'string' ? '…' : value, path, 'a secret of at least 16 bytes')
  return value
}

const size: options.Check<number> = options.number({ min: 1, max: 10_000, integer: true, unit: 'rows' })

const pageChecks: Checks<PageOptions> = {
  by: columns,
  secret,
  size: options.optional(size),
  maxSize: options.optional(size),
}

/** The check of an option that holds them, with what must hold between them. */
export const pageCheck: options.Check<PageOptions> = (value, path) => {
  const page = options.shape(pageChecks)(value, path)
  const { size: own = 50, maxSize = 200 } = page
  if (own > maxSize) throw options.wrong(own, `${path}.size`, `at most maxSize, ${maxSize}`)
  return page
}
