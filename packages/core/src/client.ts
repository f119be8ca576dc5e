import { addressRanges, canonicalAddress, isWithin } from './address.ts'
import { forwardedClaims, forwardedForClaims, MAX_HOPS, schemeOf } from './claims.ts'
import type { Client } from './contract.ts'
import type { ReadonlyHeaders } from './headers.ts'
import { type Check, either, list, number, oneOf, optional, shape, string } from './options.ts'

/**
 * Which proxies before us are believed. A list of addresses and CIDR ranges, or how many proxies stand before us (0 to
 * 32). What they say is read from the one header named: a proxy that writes one of them passes the other on as the client
 * sent it.
 */
export type TrustedProxies =
  | readonly string[]
  | number
  | {
      /** Addresses and CIDR ranges, or how many proxies stand before us (0 to 32). */
      readonly proxies: readonly string[] | number
      /** Where they say for whom they ask. Default: `x-forwarded-for`. */
      readonly header?: 'x-forwarded-for' | 'forwarded'
    }

/** What is known of the connection that a request came on. */
export interface Connection {
  /** The address at the other end, as the socket (or a PROXY protocol header) gives it. */
  readonly address: string
  readonly encrypted: boolean
}

/** The client and the scheme that it used. */
export interface ClientView {
  readonly client: Client
  readonly scheme: 'http' | 'https'
}

/**
 * Finds the client behind trusted proxies: from the last hop towards the first, up to the first address that is not
 * trusted or cannot be read (RFC 7239, and the same rule for `X-Forwarded-For`). Trusts nobody by default.
 * @throws GatewayError `BAD_OPTION`, whose path starts with `trustedProxies`, at once
 */
export function clientResolver(trusted: TrustedProxies = []): (connection: Connection, headers: ReadonlyHeaders) => ClientView {
  const { proxies, header = 'x-forwarded-for' } = settingsOf(trustedProxies(trusted, 'trustedProxies'))
  const hops = typeof proxies === 'number' ? proxies : 0
  const ranges = typeof proxies === 'number' ? [] : addressRanges(proxies, 'trustedProxies')
  if (hops === 0 && ranges.length === 0) return directView
  const isTrusted = (address: string, hop: number) => hop < hops || isWithin(address, ranges)

  return function client(connection, headers) {
    const view = directView(connection)
    const { peer } = view.client
    if (!isTrusted(peer, 0)) return view
    let address = peer
    let { scheme } = view
    let hop = 0
    for (const claim of header === 'forwarded' ? forwardedClaims(headers) : forwardedForClaims(headers)) {
      scheme = claim.scheme ?? scheme
      const next = canonicalAddress(claim.address)
      if (!next) break
      address = next
      if (!isTrusted(address, ++hop)) break
    }
    if (header === 'x-forwarded-for') scheme = schemeOf(headers.get('x-forwarded-proto')) ?? scheme
    return { client: { address, peer, viaTrustedProxy: true }, scheme }
  }
}

const addresses: Check<readonly string[]> = (value, path) => {
  const texts = list(string)(value, path)
  addressRanges(texts, path)
  return texts
}

const hopCount = number({ min: 0, max: MAX_HOPS, integer: true })

/** For options interfaces that have `trustedProxies`: what `clientResolver` takes, checked. */
export const trustedProxies: Check<TrustedProxies> = either(
  `a list of addresses and CIDR ranges, or how many proxies stand before us (0 to ${MAX_HOPS})`,
  addresses,
  hopCount,
  shape<Settings>({
    proxies: either(`a list of addresses and CIDR ranges, or a whole number from 0 to ${MAX_HOPS}`, addresses, hopCount),
    header: optional(oneOf('x-forwarded-for', 'forwarded')),
  }),
)

function directView(connection: Connection): ClientView {
  const peer = canonicalAddress(connection.address) ?? connection.address
  return { client: { address: peer, peer, viaTrustedProxy: false }, scheme: connection.encrypted ? 'https' : 'http' }
}

type Settings = Exclude<TrustedProxies, number | readonly string[]>

function settingsOf(trusted: TrustedProxies): Settings {
  return typeof trusted === 'object' && 'proxies' in trusted ? trusted : { proxies: trusted }
}
