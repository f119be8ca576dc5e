import { createHash } from 'node:crypto'
import { type Context, GatewayError } from '@gatelet/core'
import type { Row } from '../database.ts'
import { fieldsOf } from '../input/fields.ts'
import { compiled, type Dialect, type Input, type Statement } from '../sql/compile.ts'
import { bind, Sql } from '../sql/sql.ts'
import { cursors } from './cursor.ts'
import type { PageColumn, PageOptions } from './page-options.ts'

/** The fields of the query that are about pages, and not the statement's. */
export const pageFields: readonly string[] = ['cursor', 'limit']

/** How one route gives pages. */
export interface Pages {
  /** The statement for one page, with one row more than it holds. @throws GatewayError `INVALID_REQUEST` */
  statement<S extends object>(ctx: Context<S>, input: Input): Statement & { readonly size: number }
  /** The rows of a page, without what only the cursor needs, and the `Link` to the next one (RFC 8288), where there is one. */
  page<S extends object>(ctx: Context<S>, rows: readonly Row[], size: number): { rows: readonly Row[]; link: string | undefined }
}

/** Prepares the statements of the first page and of those after it. */
export function pagesOf(statement: Sql<never>, options: PageOptions, dialect: Dialect): Pages {
  const { by, secret, size: usual = 50, maxSize = 200 } = options
  const first = compiled(wrapped(statement, by, dialect, false), dialect, 'sql')
  const later = compiled(wrapped(statement, by, dialect, true), dialect, 'sql')
  const signed = cursors(secret, purposeOf(statement, by))
  return {
    statement(ctx, input) {
      const { cursor, limit } = fieldsOf(ctx.request.url.search)
      const size = sizeOf(limit, usual, maxSize)
      const bounded = { ...input, [LIMIT]: size + 1 }
      if (cursor === undefined) return { ...first(bounded), size }
      const keys = signed.read(String(cursor))
      return { ...later({ ...bounded, ...Object.fromEntries(keys.map((key, at) => [keyName(at), key])) }), size }
    },
    page(ctx, rows, size) {
      const kept = rows.slice(0, size)
      const last = kept.at(-1)
      const link = last && rows.length > size ? linkTo(ctx, signed.make(keysOf(last, by))) : undefined
      return { rows: kept.map((row) => withoutKeys(row, by.length)), link }
    },
  }
}

// Names that are as good as never a column's.
const LIMIT = 'gatelet_limit'
const keyName = (at: number) => `gatelet_key_${at}`

/**
 * The statement as a table, sorted and cut. What is sorted by is given once more as text: a client's idea of a date has milliseconds,
 * and two rows in the same one would be lost or come twice. (SQLite gives values as they are.)
 */
function wrapped(statement: Sql<never>, by: readonly PageColumn[], dialect: Dialect, isLater: boolean): Sql<never> {
  const keys = by.map(({ column }, at) => `${name(column)}${dialect === 'sqlite' ? '' : '::text'} as ${keyName(at)}`)
  const order = by.map(({ column, direction = 'asc' }) => `${name(column)} ${direction}`)
  return new Sql([
    `select page.*, ${keys.join(', ')} from (`,
    ...statement.pieces,
    // On a line of its own: the statement may end in a comment.
    '\n) as page',
    ...(isLater ? [' where ', ...behind(by)] : []),
    ` order by ${order.join(', ')} limit `,
    bind(LIMIT),
  ])
}

const name = (column: string) => `page."${column}"`

/** What comes behind the keys of a row: `(a, b) > ($1, $2)`, or spelt out where directions differ. */
function behind(by: readonly PageColumn[]): Sql<never>['pieces'] {
  const beyond = ({ direction = 'asc' }: PageColumn) => (direction === 'asc' ? '>' : '<')
  const [first] = by as [PageColumn]
  if (by.every((each) => beyond(each) === beyond(first))) {
    const values = by.flatMap((_, at) => [at === 0 ? '' : ', ', bind(keyName(at))])
    return [`(${by.map(({ column }) => name(column)).join(', ')}) ${beyond(first)} (`, ...values, ')']
  }
  const ways = by.map((each, at) => {
    const equal = by.slice(0, at).flatMap(({ column }, before) => [`${name(column)} = `, bind(keyName(before)), ' and '])
    return [...equal, `${name(each.column)} ${beyond(each)} `, bind(keyName(at))]
  })
  return ['(', ...ways.flatMap((way, at) => (at === 0 ? ['(', ...way, ')'] : [' or (', ...way, ')'])), ')']
}

function purposeOf({ pieces }: Sql<never>, by: readonly PageColumn[]): string {
  const text = JSON.stringify([pieces.map((piece) => (typeof piece === 'string' ? piece : piece.name)), by])
  return createHash('sha256').update(text).digest('hex')
}

function sizeOf(limit: string | readonly string[] | undefined, usual: number, most: number): number {
  if (limit === undefined) return usual
  const size = typeof limit === 'string' && /^[1-9]\d{0,4}$/.test(limit) ? Number(limit) : Number.NaN
  if (!(size <= most)) throw new GatewayError('INVALID_REQUEST', { detail: `limit must be a whole number from 1 to ${most}` })
  return size
}

function keysOf(row: Row, by: readonly PageColumn[]): unknown[] {
  return by.map(({ column }, at) => {
    const key = row[keyName(at)]
    // No comparison holds for null: the rows behind it would be lost.
    if (key === null) throw new GatewayError('INTERNAL', { message: `${column} is null in a row: pages cannot be sorted by it` })
    return typeof key === 'bigint' ? String(key) : key
  })
}

function withoutKeys(row: Row, count: number): Row {
  const kept: Record<string, unknown> = { ...row }
  for (let at = 0; at < count; at++) delete kept[keyName(at)]
  return kept
}

// Relative to where the client is, which a router may have changed on the way; the rest of its query stays as it is.
function linkTo<S extends object>({ request }: Context<S>, cursor: string): string {
  const others = request.url.search
    .slice(1)
    .split('&')
    .filter((part) => part !== '' && !/^cursor(?:=|$)/.test(part))
  // What `<` and `>` would end.
  const query = [...others, `cursor=${cursor}`].join('&').replaceAll('<', '%3C').replaceAll('>', '%3E')
  return `<?${query}>; rel="next"`
}
