import { GatewayError } from '@gatelet/core'

const MAX_FIELDS = 1_000

/**
 * The fields of a query: text, or a list of texts for a name that comes again. No prototype.
 * @param search with its question mark, or empty
 * @throws GatewayError `INVALID_REQUEST` for more than 1,000, for what is no percent-encoded UTF-8, and for `__proto__`
 */
export function fieldsOf(search: string): Readonly<Record<string, string | readonly string[]>> {
  const parts = search.slice(1).split('&').filter(Boolean)
  if (parts.length > MAX_FIELDS) throw invalid(`The query must have at most ${MAX_FIELDS} fields`)
  const fields: Record<string, string | string[]> = Object.create(null)
  for (const part of parts) {
    const equals = part.indexOf('=')
    const name = decoded(equals < 0 ? part : part.slice(0, equals))
    if (name === '__proto__') throw invalid('The query must not have the name __proto__')
    const value = equals < 0 ? '' : decoded(part.slice(equals + 1))
    const before = fields[name]
    if (before === undefined) fields[name] = value
    else if (typeof before === 'string') fields[name] = [before, value]
    else before.push(value)
  }
  return fields
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw invalid('The query must be percent-encoded UTF-8')
  }
}

const invalid = (detail: string) => new GatewayError('INVALID_REQUEST', { detail })
