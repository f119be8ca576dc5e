import { errorTable, problem, type Reply } from '@gatelet/core'
import { MOST_FINDINGS } from './bounds.ts'
import type { SchemaIssue } from './standard-schema.ts'

/** The parts of a request that can be validated. */
export type RequestPart = 'params' | 'query' | 'headers' | 'cookies' | 'body'

/** One thing that is wrong with a request. */
export interface Finding {
  readonly in: RequestPart
  /** Where in that part, as a JSON pointer (RFC 6901); empty for the whole. */
  readonly path: string
  /** What would be right, by the schema. */
  readonly message: string
}

// A message or a name beyond this is cut: both may be made of what the client sent.
const MAX_TEXT = 200

/** What a schema library found, as findings: no more than anybody may be told of, since a hostile body has as many as it likes. */
export function findingsOf(part: RequestPart, issues: readonly SchemaIssue[]): Finding[] {
  const findings: Finding[] = []
  for (const { message, path = [] } of issues) {
    if (findings.length === MOST_FINDINGS) break
    // Not `path.map`: the lists of arktype are classes of their own, of which `map` makes another.
    findings.push(finding(part, pointer(Array.from(path, keyOf)), message))
  }
  return findings.length === 0 ? [finding(part, '', 'is not valid')] : findings
}

/** A finding whose texts have an end and no control bytes. */
export function finding(part: RequestPart, path: string, message: string): Finding {
  return { in: part, path: shortened(path), message: shortened(message) }
}

const keyOf = (step: NonNullable<SchemaIssue['path']>[number]): PropertyKey => (typeof step === 'object' ? step.key : step)

/** A JSON pointer (RFC 6901). */
export function pointer(keys: readonly PropertyKey[]): string {
  return keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function shortened(text: string): string {
  const plain = text.replace(/\p{Cc}+/gu, ' ')
  return plain.length > MAX_TEXT ? `${plain.slice(0, MAX_TEXT)}…` : plain
}

/** 422 where the body alone is at fault, else 400, with `errors` in the problem. */
export function invalid(findings: readonly Finding[], maxErrors: number): Reply {
  const isBody = findings.every((each) => each.in === 'body')
  return refusal(isBody ? 'INVALID_BODY' : 'INVALID_REQUEST', findings.slice(0, maxErrors))
}

/** 400 for a body that cannot be read as what its type says. */
export function malformed(message: string): Reply {
  return refusal('MALFORMED_BODY', [finding('body', '', message)])
}

function refusal(code: 'INVALID_BODY' | 'INVALID_REQUEST' | 'MALFORMED_BODY', errors: readonly Finding[]): Reply {
  const { status, title } = errorTable[code]
  return problem({ status, title, more: { code, errors } })
}
