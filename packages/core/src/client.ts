import ipaddr from 'ipaddr.js'
import type { Client } from './contract.ts'
import { GatewayError } from './errors.ts'
import type { ReadonlyHeaders } from './headers.ts'

/**
 * Which proxies before us are believed. A list of addresses and CIDR ranges, or how many proxies stand before us. They
 * are read from the one header named: a proxy that writes one of them passes the other on as the client sent it.
 */
export type TrustedProxies =
  | readonly string[]
  | number
  | {
      /** Addresses and CIDR ranges, or how many proxies stand before us (1 to 32). */
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

// A chain of more hops than this is an attack, not a network.
const MAX_HOPS = 32

/**
 * Finds the client behind trusted proxies: from the last hop towards the first, up to the first address that is not
 * trusted or cannot be read (RFC 7239, and the same rule for `X-Forwarded-For`). Trusts nobody by default.
 * @throws GatewayError `BAD_OPTION` for an address or range that is none, at once
 */
export function clientResolver(trusted: TrustedProxies = []): (connection: Connection, headers: ReadonlyHeaders) => ClientView {
  const { proxies, header = 'x-forwarded-for' } = isSettings(trusted) ? trusted : { proxies: trusted }
  const hops = typeof proxies === 'number' ? proxies : 0
  const ranges = typeof proxies === 'number' ? [] : addressRanges(proxies, 'trustedProxies')
  if (hops === 0 && ranges.length === 0) return directView
  const isTrusted = (address: string, hop: number) => hop < hops || isWithin(address, ranges)

  return function client(connection, headers) {
    const peer = canonicalAddress(connection.address) ?? connection.address
    const own = connection.encrypted ? 'https' : 'http'
    if (!isTrusted(peer, 0)) return { client: { address: peer, peer, viaTrustedProxy: false }, scheme: own }
    const claims = header === 'forwarded' ? forwardedHops(headers) : forwardedForHops(headers)
    let address = peer
    let scheme: 'http' | 'https' = own
    for (let hop = 1; hop <= claims.length && hop <= MAX_HOPS; hop++) {
      const claim = claims[claims.length - hop]
      const next = claim && canonicalAddress(claim.address)
      if (!next) break
      address = next
      scheme = claim.scheme ?? scheme
      if (!isTrusted(address, hop)) break
    }
    if (header === 'x-forwarded-for') scheme = lastScheme(headers.get('x-forwarded-proto')) ?? scheme
    return { client: { address, peer, viaTrustedProxy: true }, scheme }
  }
}

function directView(connection: Connection): ClientView {
  const peer = canonicalAddress(connection.address) ?? connection.address
  return { client: { address: peer, peer, viaTrustedProxy: false }, scheme: connection.encrypted ? 'https' : 'http' }
}

/**
 * The one spelling of an address: IPv4-mapped IPv6 folded to IPv4, zone stripped, IPv6 in its shortest form.
 * @returns undefined when it is not an address
 */
export function canonicalAddress(text: string): string | undefined {
  // Nearly every address of a socket is canonical already.
  if (plainIpv4.test(text) && ipaddr.IPv4.isValidFourPartDecimal(text)) return text
  const bare = text.startsWith('::ffff:') && plainIpv4.test(text.slice(7)) ? text.slice(7) : text.replace(/%.*$/, '')
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return bare
  if (!ipaddr.IPv6.isValid(bare)) return undefined
  const address = ipaddr.IPv6.parse(bare)
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String()
}

const plainIpv4 = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/

/** A range of addresses. */
export interface AddressRange {
  readonly network: ipaddr.IPv4 | ipaddr.IPv6
  readonly bits: number
}

/**
 * Reads addresses and CIDR ranges. A range in IPv4-mapped IPv6 that would hold more than one IPv4 range is refused: it
 * looks narrow and is not (CVE-2026-92395).
 * @param path where they stand, for the error
 * @throws GatewayError `BAD_OPTION`
 */
export function addressRanges(texts: readonly string[], path: string): readonly AddressRange[] {
  return texts.map((text, at) => {
    const range = addressRange(String(text))
    if (range) return range
    const where = `${path}[${at}]`
    throw new GatewayError('BAD_OPTION', {
      path: where,
      message: `${where} must be an IP address or a CIDR range such as 10.0.0.0/8 (got ${JSON.stringify(text)})`,
    })
  })
}

function addressRange(text: string): AddressRange | undefined {
  const [name = '', digits, ...rest] = text.split('/')
  if (rest.length > 0 || (digits !== undefined && !/^\d{1,3}$/.test(digits))) return undefined
  const isV4 = ipaddr.IPv4.isValidFourPartDecimal(name)
  if (!isV4 && !ipaddr.IPv6.isValid(name)) return undefined
  const network = isV4 ? ipaddr.IPv4.parse(name) : ipaddr.IPv6.parse(name)
  const bits = digits === undefined ? (isV4 ? 32 : 128) : Number(digits)
  if (bits > (isV4 ? 32 : 128)) return undefined
  if (network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress()) {
    return bits < 96 ? undefined : { network: network.toIPv4Address(), bits: bits - 96 }
  }
  return { network, bits }
}

/** Whether a canonical address lies in one of the ranges. Text that is not an address lies in none. */
export function isWithin(address: string, ranges: readonly AddressRange[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  return ranges.some(({ network, bits }) => parsed.kind() === network.kind() && parsed.match(network, bits))
}

interface Claim {
  readonly address: string
  readonly scheme?: 'http' | 'https' | undefined
}

function forwardedForHops(headers: ReadonlyHeaders): readonly Claim[] {
  const value = headers.get('x-forwarded-for')
  return value === undefined ? [] : value.split(',').map((part) => ({ address: withoutPort(part.trim()) }))
}

// RFC 7239 §4: `for=192.0.2.60;proto=http, for="[2001:db8::1]:4711"`.
function forwardedHops(headers: ReadonlyHeaders): readonly Claim[] {
  const value = headers.get('forwarded')
  if (value === undefined) return []
  return splitOutsideQuotes(value, ',').map((element) => {
    const claim: { address: string; scheme?: 'http' | 'https' | undefined } = { address: '' }
    for (const pair of splitOutsideQuotes(element, ';')) {
      const equals = pair.indexOf('=')
      const name = pair.slice(0, equals).trim().toLowerCase()
      const text = pair
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1')
      if (name === 'for') claim.address = withoutPort(text)
      if (name === 'proto') claim.scheme = lastScheme(text)
    }
    return claim
  })
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let from = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '\\' && quoted) at++
    else if (char === '"') quoted = !quoted
    else if (char === separator && !quoted) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}

function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text)
  if (bracketed) return bracketed[1] ?? ''
  return /^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text
}

function lastScheme(value: string | undefined): 'http' | 'https' | undefined {
  const last = value
    ?.slice(value.lastIndexOf(',') + 1)
    .trim()
    .toLowerCase()
  return last === 'http' || last === 'https' ? last : undefined
}

function isSettings(trusted: TrustedProxies): trusted is Exclude<TrustedProxies, number | readonly string[]> {
  return typeof trusted === 'object' && !Array.isArray(trusted)
}
