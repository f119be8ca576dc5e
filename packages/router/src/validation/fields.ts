import { GatewayError } from '@gatelet/core'

/** Names and values of a query or a form: a name that comes again has a list. It has no prototype. */
export type Fields = Readonly<Record<string, string | readonly string[]>>

/** A name and a value as they were written, not decoded. */
export type RawField = readonly [name: string, value: string]

/** What is thrown for a text that cannot be read. @param message completes "the body …"; it must hold nothing of the text */
export function unreadable(message: string): GatewayError {
  return new GatewayError('MALFORMED_BODY', { detail: message })
}

/**
 * Reads `application/x-www-form-urlencoded`, which queries are too.
 * @param text without the question mark
 * @throws GatewayError `MALFORMED_BODY` for more than `maxFields` fields, what is not UTF-8 once decoded, and the name `__proto__`
 */
export function fieldsOf(text: string, maxFields: number): Fields {
  const fields: Record<string, string | string[]> = Object.create(null)
  for (const [rawName, rawValue] of rawFields(text, maxFields)) {
    const [name, value] = [decodedName(rawName), decoded(rawValue)]
    const before = fields[name]
    if (before === undefined) fields[name] = value
    else if (typeof before === 'string') fields[name] = [before, value]
    else before.push(value)
  }
  return fields
}

/** The fields in their order. @throws GatewayError `MALFORMED_BODY` for more than `maxFields` */
export function rawFields(text: string, maxFields: number): RawField[] {
  const fields: RawField[] = []
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('&', start)
    const end = found < 0 ? text.length : found
    if (end > start) {
      if (fields.length === maxFields) throw unreadable(`must have at most ${maxFields} fields`)
      fields.push(splitField(text.slice(start, end)))
    }
    start = end + 1
  }
  return fields
}

function splitField(text: string): RawField {
  const equals = text.indexOf('=')
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
}

/** @throws GatewayError `MALFORMED_BODY` */
export function decodedName(text: string): string {
  const name = decoded(text)
  // Whoever copies the fields into a plain object would set its prototype.
  if (name === '__proto__') throw unreadable('must not have the name __proto__')
  return name
}

/** A text of a form, where `+` is a space. @throws as `percentDecoded` does */
export function decoded(text: string): string {
  return percentDecoded(text.includes('+') ? text.replaceAll('+', ' ') : text)
}

/** @throws GatewayError `MALFORMED_BODY` for a `%` without two hex digits, and bytes that are not UTF-8 */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw unreadable('must be percent-encoded UTF-8')
  }
}
