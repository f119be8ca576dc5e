import { createHash } from 'node:crypto'
import { type Context, GatewayError } from '@gatelet/core'
import type { Row } from '../database.ts'

/** A strong entity tag (RFC 9110 §8.8.3) of what is sent. */
export function hashTag(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
}

/** A strong entity tag of a row's version. @throws GatewayError `INTERNAL` where the row has none */
export function versionTag(row: Row, column: string): string {
  const version = row[column]
  if (version === undefined || version === null) {
    throw new GatewayError('INTERNAL', { message: `the row has no ${column}, which its entity tag is made of` })
  }
  return `"${encodeURIComponent(version instanceof Date ? version.toISOString() : String(version))}"`
}

/** Whether the client has this already: `If-None-Match`, compared weakly (RFC 9110 §13.1.2). */
export function isKnown<S extends object>({ request }: Context<S>, tag: string): boolean {
  const field = request.headers.getAll('if-none-match').join(', ')
  return field.trim() === '*' || tagsOf(field).some((each) => each.replace(/^W\//, '') === tag)
}

/**
 * The version that `If-Match` names (RFC 9110 §13.1.1): a text, null for `*`, undefined where there is no such field.
 * @throws GatewayError `PRECONDITION_FAILED` for what no version can be: a weak tag, and more than one
 */
export function matchedVersion<S extends object>({ request }: Context<S>): string | null | undefined {
  const fields = request.headers.getAll('if-match')
  if (fields.length === 0) return undefined
  const field = fields.join(', ').trim()
  if (field === '*') return null
  const [tag, ...others] = tagsOf(field)
  if (tag === undefined || others.length > 0 || tag.startsWith('W/')) {
    throw new GatewayError('PRECONDITION_FAILED', { detail: 'If-Match must be one strong entity tag, or *' })
  }
  try {
    return decodeURIComponent(tag.slice(1, -1))
  } catch {
    throw new GatewayError('PRECONDITION_FAILED')
  }
}

const tagsOf = (field: string): string[] => field.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? []
