import { type Checks, type Context, HeaderList, options, type StandardSchema, schemaCheck } from '@gatelet/core'
import type { RequestParts } from '../input/parts.ts'
import { type JobOptions, jobChecks } from '../job.ts'
import { Sql } from '../sql/sql.ts'
import { type PageOptions, pageCheck } from './page-options.ts'

/** How a request becomes the input of a statement. */
export interface InputOptions<S extends object = {}, Value = unknown> {
  /** What the input must be: what is not is answered 400, or 422 where there is a body. Default: there is no input. */
  input?: StandardSchema<unknown, Value>
  /**
   * What the schema is asked about. Default: the params and, of GET, HEAD and DELETE, the query, else the JSON body; params win.
   */
  from?: (request: RequestParts<S>, ctx: Context<S>) => unknown
  /** Bytes of the body, 1 to 1 GiB; more is answered 413. Default: 1 MiB. */
  maxBodyBytes?: number
}

/** The checks of `InputOptions`. */
export const inputChecks: Checks<InputOptions> = {
  input: options.optional(schemaCheck as options.Check<StandardSchema<unknown, unknown>>),
  from: options.optional(options.fn<NonNullable<InputOptions['from']>>('a function of the parts of a request')),
  maxBodyBytes: options.optional(options.number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' })),
}

/** A statement as a route. */
export interface QueryRouteOptions<S extends object = {}, Value extends object = object>
  extends JobOptions<S>,
    InputOptions<S, Value> {
  /** The statement. What its binds name, the input must have: otherwise it does not compile. */
  sql: Sql<NoInfer<Value>>
  /**
   * `one`: a row as a JSON object, 404 where there is none. `many`: an array. `exec`: 204, whatever was changed. `stream`: rows as
   * they come, as an array or, by `Accept`, as NDJSON; reads only.
   */
  mode: 'one' | 'many' | 'exec' | 'stream'
  /** The status of success, 200 to 299. Default: 200, and 204 for `exec`. */
  status?: number
  /** Fields of each success, `cache-control` for example. */
  headers?: Readonly<Record<string, string>>
  /** Rows, 1 to 2^53 - 1. `many` with more is answered 502; a stream with more breaks off. Default: 1,000; for `stream` 10,000,000. */
  maxRows?: number
  /** Rows that a stream asks for at once, 1 to 10,000. As many are in memory. Default: 200. */
  batchRows?: number
  /**
   * Entity tags, by which GET is answered 304. `hash`: of what is sent. `{ column }`: of the row's version, for `one`; then a write
   * with `ifMatch` in its statement is answered 412 where it changes no row. `none`. Default: `hash` for GET of `one` and `many`.
   */
  etag?: 'hash' | 'none' | { column: string }
  /** Whether a write without `If-Match` is answered 428. Default: false. */
  requireIfMatch?: boolean
  /** Pages, for `many`. The client asks by `limit` and `cursor` in the query, and finds the next page in `Link`. */
  page?: PageOptions
}

const statement: options.Check<Sql<never>> = (value, path) => {
  if (!(value instanceof Sql)) throw options.wrong(value, path, 'made by sql`…`; a text could hold what a request has sent')
  return value
}

const headers: options.Check<Readonly<Record<string, string>>> = (value, path) => {
  const fields = options.record(options.string)(value, path)
  // Says what HTTP does not allow, now instead of with each reply.
  new HeaderList(fields)
  return fields
}

const rows = (max: number) => options.optional(options.number({ min: 1, max, integer: true, unit: 'rows' }))

/** The checks of `QueryRouteOptions`. */
export const queryChecks: Checks<QueryRouteOptions<{}, never>> = {
  ...jobChecks,
  ...(inputChecks as Checks<InputOptions<{}, never>>),
  sql: statement,
  mode: options.oneOf('one', 'many', 'exec', 'stream'),
  status: options.optional(options.number({ min: 200, max: 299, integer: true })),
  headers: options.optional(headers),
  maxRows: rows(Number.MAX_SAFE_INTEGER),
  batchRows: rows(10_000),
  etag: options.optional(
    options.either('hash, none or { column }', options.oneOf('hash', 'none'), options.shape({ column: options.string })),
  ),
  requireIfMatch: options.optional(options.boolean),
  page: options.optional(pageCheck),
}
