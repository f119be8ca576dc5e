import { isHopByHop, nominated, type ReadonlyHeaders } from '@gatelet/core'
import { listedFields } from './cache-control.ts'
import { isNeeded } from './needed-fields.ts'
import type { Policy } from './options.ts'
import { governing } from './targeted.ts'

/**
 * The fields of a response that are stored (RFC 9111 §3.1), flat: without those of the connection, those of proxies'
 * authentication, and those that `no-cache` lists.
 */
export function storableFields(headers: ReadonlyHeaders, policy: Policy): string[] {
  const { directives } = governing(headers, policy.targets)
  const dropped = new Set(listedFields(directives.get('no-cache'), policy.targets)).add('proxy-authentication-info')
  if (policy.isShared && policy.setCookie === 'strip') dropped.add('set-cookie').add('set-cookie2')
  for (const name of ofConnection(headers)) dropped.add(name)
  const kept: string[] = []
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (!isHopByHop(lower) && !dropped.has(lower)) kept.push(name, value)
  }
  return kept
}

/** Whether `Connection` takes away a field that what is stored needs. */
export function losesNeeded(headers: ReadonlyHeaders, policy: Policy): boolean {
  return ofConnection(headers).some((name) => isNeeded(name, policy.targets))
}

function ofConnection(headers: ReadonlyHeaders): string[] {
  return headers.getAll('connection').flatMap((value) => [...(nominated(value) ?? [])])
}
