import { isToken, type ReadonlyHeaders } from '@gatelet/core'

/**
 * The names, lower case, that `Vary` lists on all its lines. `*` when it has one (RFC 9111 §4.1), or a member that is no
 * name: nobody knows then what it varies by.
 */
export function varyNames(headers: ReadonlyHeaders): readonly string[] | '*' {
  const members = (headers.get('vary') ?? '').split(',').map((member) => member.trim().toLowerCase())
  const names = members.filter((member) => member !== '')
  if (!names.every(isToken) || names.includes('*')) return '*'
  return [...new Set(names)]
}
