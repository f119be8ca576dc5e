import {
  type Body,
  type BodyStep,
  type Checks,
  type Context,
  checkOptions,
  isPromise,
  type Middleware,
  options,
  type Reply,
  transformed,
} from '@gatelet/core'
import { andThen } from './and-then.ts'
import { MAX_BODY_BYTES, MAX_FINDINGS, maxBodyBytes, maxErrors } from './bounds.ts'
import { type Finding, finding } from './finding.ts'
import { parsedJson } from './json-text.ts'
import { judged, unreadableDetail } from './parts.ts'
import { kindOf, textOf } from './read-body.ts'
import { type StandardSchema, schema } from './standard-schema.ts'

/** What replies should be, and who is told of those that are not. */
export interface ValidateReplyOptions<S extends object = {}> {
  /** What JSON of a status from 200 to 299 should be. Other replies, and compressed ones, are not looked at. */
  body: StandardSchema
  /** Told what is wrong, when the reply has passed: for a log or a metric. What it throws is a warning of the process. */
  report: (findings: readonly Finding[], ctx: Context<S>) => unknown
  /** Bytes, 1 to 1 GiB, that are kept of each reply until it has passed; longer ones are not looked at. Default: 1 MiB. */
  maxBodyBytes?: number
  /** How many mistakes `report` is told of, 1 to 1,000. Default: 20. */
  maxErrors?: number
}

const checks: Checks<ValidateReplyOptions> = {
  body: schema,
  report: options.fn('a function (findings, ctx) => void'),
  maxBodyBytes,
  maxErrors,
}

/**
 * Looks at replies as they pass and tells of those that are not as they should be. It changes none and holds none up: clients
 * of a server that has begun to answer otherwise are better served by what it says than by an error.
 * @throws GatewayError `BAD_OPTION`
 * @example validateReply({ body: user, report: (findings, ctx) => console.warn(ctx.state.route, findings) })
 */
export function validateReply<S extends object = {}>(given: ValidateReplyOptions<S>): Middleware<S> {
  const checked = checkOptions<ValidateReplyOptions>('validateReply', given, checks)
  const { body: schema, report, maxBodyBytes: limit = MAX_BODY_BYTES, maxErrors: most = MAX_FINDINGS } = checked
  return function validateReply(ctx, next) {
    return andThen(next(ctx), (reply) => {
      if (!isOfInterest(reply)) return reply
      reply.body = watched(reply.body, limit, (bytes) => {
        const told = (found: readonly Finding[]) => found.length > 0 && report(found.slice(0, most), ctx as Context)
        warnOfFailure(() => andThen(findingsIn(bytes, schema), told))
      })
      return reply
    })
  }
}

function isOfInterest({ status, headers }: Reply): boolean {
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return status >= 200 && status < 300 && kindOf(type) === 'json' && !headers.has('content-encoding')
}

/** The same body; `seen` gets a copy of its bytes when all of them have passed, unless there are more than `limit`. */
function watched(body: Body, limit: number, seen: (bytes: Uint8Array) => void): Body {
  if (body === null) return body
  let chunks: Uint8Array[] = []
  let size = 0
  const step: BodyStep = {
    chunk(chunk) {
      size += chunk.byteLength
      if (size <= limit) chunks.push(chunk)
      else chunks = []
      return chunk
    },
    end() {
      if (size > 0 && size <= limit) seen(Buffer.concat(chunks, size))
      return null
    },
  }
  return transformed(body, step)
}

function findingsIn(bytes: Uint8Array, schema: StandardSchema) {
  let value: unknown
  try {
    value = parsedJson(textOf(bytes))
  } catch (error) {
    return [finding('body', '', unreadableDetail(error))]
  }
  return andThen(judged('body', schema, value), ({ findings = [] }) => findings)
}

// The reply is on its way already: nobody is left who could be told otherwise.
function warnOfFailure(work: () => unknown): void {
  const warn = (error: unknown) =>
    process.emitWarning(`validateReply: ${error instanceof Error ? error.stack : error}`, 'GateletWarning')
  try {
    const result = work()
    if (isPromise(result)) result.then(undefined, warn)
  } catch (error) {
    warn(error)
  }
}
