import {
  type Context,
  checkOptions,
  empty,
  GatewayError,
  type Handler,
  HeaderList,
  type Reply,
  type StandardSchema,
} from '@gatelet/core'
import type { Row } from '../database.ts'
import { inTransaction } from '../in-transaction.ts'
import { inputReader } from '../input/input-of.ts'
import { isRead, type Job, jobOf } from '../job.ts'
import { compiled, type Input, type Statement } from '../sql/compile.ts'
import { ifMatch, uses } from '../sql/sql.ts'
import { hashTag, isKnown, matchedVersion, versionTag } from './etag.ts'
import { formatOf, mediaTypes } from './format.ts'
import { type QueryRouteOptions, queryChecks } from './options.ts'
import { type Pages, pageFields, pagesOf } from './page.ts'
import { rowJson, rowsJson } from './rows-json.ts'
import { streamed } from './stream.ts'

/**
 * Answers by a statement, in a transaction of its own: READ ONLY for GET and HEAD, with the database's own limits on time. Of a request,
 * values alone reach the database, once the schema has passed them.
 *
 * The client's leaving ends the statement on the server. Failures are told by the table of SQLSTATE, without a word of what the database
 * said.
 * @throws GatewayError `BAD_OPTION`
 * @example router.get('/orders/:id', query({ database, mode: 'one', input: z.object({ id: z.coerce.number().int() }), sql: sql`select * from orders where id = ${bind('id')}` }))
 */
export function query<S extends object = {}>(given: QueryRouteOptions<S, {}> & { input?: undefined }): Handler<S>
export function query<S extends object = {}, Value extends object = {}>(
  given: QueryRouteOptions<S, Value> & { input: StandardSchema<unknown, Value> },
): Handler<S>
export function query<S extends object, Value extends object>(given: QueryRouteOptions<S, Value>): Handler<S> {
  const checked = checkOptions<QueryRouteOptions<{}, never>>('query', given, queryChecks)
  const route = routeOf<S>(checked as unknown as QueryRouteOptions<S, never>)
  const input = inputReader<S>(checked as never, checked.page ? pageFields : [])
  return async function query(ctx) {
    const version = versionOf(ctx, route)
    const read = await input(ctx)
    if ('refusal' in read) return read.refusal
    return answer(ctx, route, { ...read.input, [ifMatch.name]: version ?? null }, version !== undefined)
  }
}

interface Route<S extends object> {
  readonly job: Job<S>
  readonly mode: QueryRouteOptions['mode']
  readonly statement: (input: Input) => Statement
  readonly pages: Pages | undefined
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly maxRows: number
  readonly batchRows: number
  readonly etag: 'hash' | 'none' | { readonly column: string }
  readonly usesIfMatch: boolean
  readonly requireIfMatch: boolean
}

function routeOf<S extends object>(checked: QueryRouteOptions<S, never>): Route<S> {
  const { sql, mode, page, database, etag = 'hash', requireIfMatch = false, headers = {}, batchRows = 200 } = checked
  const usesIfMatch = uses(sql, ifMatch.name)
  if (page && mode !== 'many') throw wrong('page', 'left out where mode is not many')
  if (typeof etag === 'object' && mode !== 'one') throw wrong('etag', 'hash or none where mode is not one')
  if (requireIfMatch && !usesIfMatch) throw wrong('requireIfMatch', 'left out where the statement does not use ifMatch')
  return {
    job: jobOf(checked),
    mode,
    statement: compiled(sql, database.dialect, 'sql'),
    pages: page && pagesOf(sql, page, database.dialect),
    status: checked.status ?? (mode === 'exec' ? 204 : 200),
    headers,
    maxRows: checked.maxRows ?? (mode === 'stream' ? 10_000_000 : 1_000),
    batchRows,
    etag,
    usesIfMatch,
    requireIfMatch,
  }
}

const wrong = (path: string, expected: string) =>
  new GatewayError('BAD_OPTION', { path, message: `query: ${path} must be ${expected}` })

/** What `If-Match` names; undefined where there is none. On reads it is not looked at: nothing is changed. */
function versionOf<S extends object>(ctx: Context<S>, { usesIfMatch, requireIfMatch }: Route<S>): string | null | undefined {
  if (isRead(ctx)) return undefined
  const version = matchedVersion(ctx)
  if (version === undefined && requireIfMatch) throw new GatewayError('PRECONDITION_REQUIRED')
  // Not to be passed over: who names a version must not overwrite another.
  if (version !== undefined && !usesIfMatch) {
    throw new GatewayError('PRECONDITION_FAILED', { detail: 'There are no versions here' })
  }
  return version
}

function answer<S extends object>(ctx: Context<S>, route: Route<S>, input: Input, isMatching: boolean): Promise<Reply> {
  if (route.mode === 'stream') return answerStream(ctx, route, input)
  if (route.mode === 'exec') return answerExec(ctx, route, input, isMatching)
  return route.mode === 'one' ? answerOne(ctx, route, input, isMatching) : answerMany(ctx, route, input)
}

async function answerOne<S extends object>(ctx: Context<S>, route: Route<S>, input: Input, isMatching: boolean): Promise<Reply> {
  const [row] = await rowsOf(ctx, route, route.statement(input), 1, ({ length }) => checkOne(length))
  if (!row) throw new GatewayError(isMatching ? 'PRECONDITION_FAILED' : 'NOT_FOUND')
  const tag = typeof route.etag === 'object' ? versionTag(row, route.etag.column) : undefined
  return buffered(ctx, route, rowJson(row), tag)
}

async function answerMany<S extends object>(ctx: Context<S>, route: Route<S>, input: Input): Promise<Reply> {
  if (!route.pages) {
    const rows = await rowsOf(ctx, route, route.statement(input), route.maxRows, ({ length }) => checkMany(length, route.maxRows))
    return buffered(ctx, route, rowsJson(rows), undefined)
  }
  const { size, ...statement } = route.pages.statement(ctx, input)
  const found = await rowsOf(ctx, route, statement, size, () => {})
  const { rows, link } = route.pages.page(ctx, found, size)
  return buffered(ctx, route, rowsJson(rows), undefined, link)
}

async function answerExec<S extends object>(ctx: Context<S>, route: Route<S>, input: Input, isMatching: boolean): Promise<Reply> {
  const { text, values } = route.statement(input)
  const count = await inTransaction(route.job, ctx, async (transaction) => ({
    result: (await transaction.query(text, values)).count,
    isKept: true,
  }))
  if (isMatching && count === 0) throw new GatewayError('PRECONDITION_FAILED')
  return empty({ status: route.status, headers: route.headers })
}

async function answerStream<S extends object>(ctx: Context<S>, route: Route<S>, input: Input): Promise<Reply> {
  const format = formatOf(ctx)
  const body = await streamed(route.job, ctx, route.statement(input), format, route)
  const headers = new HeaderList(route.headers).set('content-type', mediaTypes[format])
  headers.append('vary', 'accept')
  return { status: route.status, headers, body }
}

/**
 * All rows of a statement. A read is asked for no more than are allowed, and one; of a write, all that it gives are here.
 * @param check throws for a number of rows that is not right, before anything is committed
 */
function rowsOf<S extends object>(
  ctx: Context<S>,
  { job }: Route<S>,
  { text, values }: Statement,
  most: number,
  check: (rows: readonly Row[]) => void,
): Promise<readonly Row[]> {
  return inTransaction(job, ctx, async (transaction) => {
    const rows = job.isReadOnly(ctx)
      ? await (await transaction.cursor(text, values)).next(most + 1)
      : (await transaction.query(text, values)).rows
    check(rows)
    return { result: rows, isKept: true }
  })
}

function checkOne(count: number): void {
  if (count > 1) throw new GatewayError('INTERNAL', { message: 'a statement of mode one gives more than one row' })
}

function checkMany(count: number, most: number): void {
  if (count > most) throw new GatewayError('RESPONSE_TOO_LARGE', { message: `the statement gives more than ${most} rows` })
}

function buffered<S extends object>(
  ctx: Context<S>,
  { etag, status, headers: own }: Route<S>,
  body: string,
  version: string | undefined,
  link?: string,
): Reply {
  const tag = version ?? (etag === 'hash' && isRead(ctx) ? hashTag(body) : undefined)
  const headers = new HeaderList(own)
  if (tag !== undefined) headers.set('etag', tag)
  if (link !== undefined) headers.append('link', link)
  if (tag !== undefined && isRead(ctx) && isKnown(ctx, tag)) return { status: 304, headers, body: null }
  headers.set('content-type', 'application/json')
  return { status, headers, body }
}
