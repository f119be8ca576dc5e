import { type Check, isHopByHop, options } from '@gatelet/core'

/**
 * The name of a header field that a filter may change: not one that frames the message or belongs to one connection (RFC 9110
 * §6.4, §7.6.1), since that is for the adapters and the proxy to say.
 * @param others names besides, in lower case, and what is to be used for them instead
 */
export function fieldName(others: Readonly<Record<string, string>> = {}): Check<string> {
  const isToken = options.token('x-tenant')
  return (value, path) => {
    const name = isToken(value, path)
    const lower = name.toLowerCase()
    if (isHopByHop(name) || lower === 'content-length' || lower === 'expect') {
      throw options.wrong(value, path, 'the name of a field that neither frames the message nor belongs to one connection')
    }
    const instead = Object.hasOwn(others, lower) ? others[lower] : undefined
    if (instead !== undefined) throw options.wrong(value, path, `another field: use ${instead}`)
    return name
  }
}
