import type { LookupFunction } from 'node:net'
import type { AddressGuard } from './address-guard.ts'
import type { NetworkTarget } from './connector.ts'

/** Where `net.connect` and `tls.connect` go. */
export type Place = { readonly path: string } | { readonly host: string; readonly port: number; readonly lookup?: LookupFunction }

/** Where a target is. The default port is the one of its scheme, 80 where that has none. */
export function placeOf({ origin, socketPath }: NetworkTarget, guard: AddressGuard | undefined): Place {
  if (socketPath !== undefined) return { path: socketPath }
  const usual = origin.protocol === 'https:' ? 443 : 80
  const port = origin.port === '' ? usual : Number(origin.port)
  return { host: hostOf(origin), port, ...(guard ? { lookup: guard.lookup } : {}) }
}

/** Without the brackets of IPv6. */
export function hostOf(origin: URL): string {
  return origin.hostname.replace(/^\[|\]$/g, '')
}
