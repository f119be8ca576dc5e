import { errorTable, problem, type Reply, type SchemaIssue, type StandardSchema } from '@gatelet/core'

/** What a schema made of an input, or the reply that says what is wrong with it. */
export type Judged = { readonly input: Readonly<Record<string, unknown>> } | { readonly refusal: Reply }

const MAX_ERRORS = 20
const MAX_TEXT = 200

/**
 * Asks a schema. What is wrong is told as a problem (RFC 9457) with `errors: [{ path, message }]`, `path` being a JSON pointer: 422
 * where the request has a body, else 400.
 */
export async function judged(schema: StandardSchema, value: unknown, hasBody: boolean): Promise<Judged> {
  const result = await schema['~standard'].validate(value)
  if (result.issues) return { refusal: refusalOf(result.issues, hasBody) }
  return { input: (result.value ?? {}) as Readonly<Record<string, unknown>> }
}

function refusalOf(issues: readonly SchemaIssue[], hasBody: boolean): Reply {
  const code = hasBody ? 'INVALID_BODY' : 'INVALID_REQUEST'
  const { status, title } = errorTable[code]
  const errors = Array.from(issues)
    .slice(0, MAX_ERRORS)
    .map(({ message, path = [] }) => ({ path: short(pointer(path)), message: short(message) }))
  return problem({ status, title, more: { code, errors } })
}

function pointer(path: NonNullable<SchemaIssue['path']>): string {
  return Array.from(path, (step) => (typeof step === 'object' ? step.key : step))
    .map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('')
}

function short(text: string): string {
  const plain = text.replace(/\p{Cc}+/gu, ' ')
  return plain.length > MAX_TEXT ? `${plain.slice(0, MAX_TEXT)}…` : plain
}
