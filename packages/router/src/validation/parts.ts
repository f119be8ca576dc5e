import { type Context, GatewayError, type MaybePromise } from '@gatelet/core'
import { andThen } from './and-then.ts'
import { fieldsOf } from './fields.ts'
import { type Finding, finding, findingsOf, type RequestPart } from './finding.ts'
import type { StandardSchema } from './standard-schema.ts'

/** What became of one part of a request. */
export interface Part {
  readonly name: RequestPart
  readonly value?: unknown
  readonly findings?: readonly Finding[]
}

/** Asks a schema. */
export function judged(name: RequestPart, by: StandardSchema, value: unknown): MaybePromise<Part> {
  return andThen(by['~standard'].validate(value), (result) =>
    result.issues ? { name, findings: findingsOf(name, result.issues) } : { name, value: result.value },
  )
}

/** Asks a schema about the fields of a query. @param search with its question mark, or empty */
export function judgedQuery(by: StandardSchema, search: string, maxFields: number): MaybePromise<Part> {
  let fields: object
  try {
    fields = fieldsOf(search.slice(1), maxFields)
  } catch (error) {
    return { name: 'query', findings: [finding('query', '', unreadableDetail(error))] }
  }
  return judged('query', by, fields)
}

/** What is wrong with a text, by the error that says it. @throws any other error again */
export function unreadableDetail(error: unknown): string {
  if (error instanceof GatewayError && error.code === 'MALFORMED_BODY') return error.detail ?? error.title
  throw error
}

/** The header fields by lower-case name, several lines as one. It has no prototype. */
export function headersOf(ctx: Context): Readonly<Record<string, string>> {
  const fields: Record<string, string> = Object.create(null)
  for (const [name, value] of ctx.request.headers) {
    const lower = name.toLowerCase()
    const before = fields[lower]
    fields[lower] = before === undefined ? value : `${before}${lower === 'cookie' ? '; ' : ', '}${value}`
  }
  return fields
}
