import { type CanonicalHost, canonicalizeHost } from '@gatelet/core'

/**
 * Reads hosts and remembers the last one: the clients of one gateway mostly name the same.
 * @returns a function that throws GatewayError `BAD_HOST`
 */
export function hostMemory(): (value: string, scheme: 'http' | 'https') => CanonicalHost {
  let last: { readonly value: string; readonly scheme: string; readonly host: CanonicalHost } | undefined
  return (value, scheme) => {
    if (last && last.value === value && last.scheme === scheme) return last.host
    const host = canonicalizeHost(value, scheme)
    last = { value, scheme, host }
    return host
  }
}
