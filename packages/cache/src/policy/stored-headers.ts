import { isHopByHop, nominated, type ReadonlyHeaders } from '@gatelet/core'
import { type Directives, listedFields } from './cache-control.ts'
import type { Policy } from './options.ts'

/**
 * The fields of a response that are stored (RFC 9111 §3.1), flat: without those of the connection, those of proxies'
 * authentication, and those that `no-cache` and `private` list.
 */
export function storableFields(headers: ReadonlyHeaders, directives: Directives, policy: Policy): string[] {
  const dropped = new Set(listedFields(directives.get('no-cache')))
  if (policy.isShared && policy.setCookie === 'strip') dropped.add('set-cookie').add('set-cookie2')
  for (const value of headers.getAll('connection')) for (const name of nominated(value) ?? []) dropped.add(name)
  const kept: string[] = []
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (!isHopByHop(lower) && lower !== 'proxy-authentication-info' && !dropped.has(lower)) kept.push(name, value)
  }
  return kept
}

/** Whether `Connection` takes away a field that the rules go by: what is stored would then follow other rules. */
export function losesRules(headers: ReadonlyHeaders, policy: Policy): boolean {
  return headers.getAll('connection').some((value) => {
    const names = nominated(value)
    return names !== undefined && [...ruling, ...policy.targets].some((name) => names.has(name))
  })
}

const ruling = ['cache-control', 'expires', 'age', 'vary', 'etag', 'last-modified', 'set-cookie']
