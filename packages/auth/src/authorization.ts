import type { Context } from '@gatelet/core'

/** What stands in `Authorization`: for this scheme, for another one or for none, or more than one. */
export type Authorization =
  | { readonly kind: 'credentials'; readonly text: string }
  | { readonly kind: 'absent' }
  /** More than one field, or nothing behind the scheme. Which one counts must not be a matter of taste. */
  | { readonly kind: 'malformed' }

/**
 * The credentials of one scheme (RFC 9110 §11.4: its name in any case, then spaces).
 * @param scheme in lower case
 */
export function authorizationOf({ request: { headers } }: Context, scheme: string): Authorization {
  const value = headers.get('authorization')
  if (value === undefined) return absent
  // Several fields come as one text with commas between them.
  if (value.includes(',') && headers.getAll('authorization').length > 1) return malformed
  const space = value.indexOf(' ')
  if ((space < 0 ? value : value.slice(0, space)).toLowerCase() !== scheme) return absent
  const text = space < 0 ? '' : value.slice(space).trim()
  return text === '' ? malformed : { kind: 'credentials', text }
}

const absent: Authorization = Object.freeze({ kind: 'absent' })
const malformed: Authorization = Object.freeze({ kind: 'malformed' })
