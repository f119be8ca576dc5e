import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { GatewayError } from './errors.ts'

// 45 characters at most, a `%`, and the name of an interface.
const MAX_ADDRESS_LENGTH = 64

/**
 * The one spelling of an address: IPv4-mapped IPv6 folded to IPv4, zone stripped, IPv6 in its shortest form.
 * @returns undefined when it is not an address
 */
export function canonicalAddress(text: string): string | undefined {
  // Nearly every address of a socket is one of these two.
  if (isIPv4(text)) return text
  if (text.startsWith('::ffff:') && isIPv4(text.slice(7))) return text.slice(7)
  if (text.length > MAX_ADDRESS_LENGTH) return undefined
  const bare = text.split('%', 1)[0] ?? ''
  // Not `ipaddr.isValid`: it takes hexadecimal and octal parts.
  if (!isIPv6(bare)) return undefined
  const address = parsedIpv6(bare)
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String()
}

/**
 * Who an address counts as where clients are told apart: an IPv4 address as it is, of IPv6 only the first `ipv6Prefix` bits,
 * as `2001:db8::/64`, since a client has a whole network to take addresses from. What is not an address stays as it is.
 * @param ipv6Prefix 1 to 128
 */
export function networkOf(address: string, ipv6Prefix: number): string {
  const canonical = canonicalAddress(address) ?? address
  if (ipv6Prefix === 128 || !isIPv6(canonical)) return canonical
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${canonical}/${ipv6Prefix}`).toRFC5952String()}/${ipv6Prefix}`
}

/** Parses what `isIPv6` admits. */
export function parsedIpv6(text: string): ipaddr.IPv6 {
  // ipaddr.js reads `::1.2.3.4` as `::ffff:1.2.3.4`, which is another address.
  return ipaddr.IPv6.parse(text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)/, (_, a, b, c, d) => `${hex(a, b)}:${hex(c, d)}`))
}

const hex = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16)

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
  const isV4 = isIPv4(name)
  if (!isV4 && (!isIPv6(name) || name.includes('%'))) return undefined
  const network = isV4 ? ipaddr.IPv4.parse(name) : parsedIpv6(name)
  const bits = digits === undefined ? (isV4 ? 32 : 128) : Number(digits)
  if (bits > (isV4 ? 32 : 128)) return undefined
  if (network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress()) {
    return bits < 96 ? undefined : { network: network.toIPv4Address(), bits: bits - 96 }
  }
  return { network, bits }
}

/** Whether an address, in whatever spelling, lies in one of the ranges. Text that is not an address lies in none. */
export function isWithin(address: string, ranges: readonly AddressRange[]): boolean {
  const canonical = canonicalAddress(address)
  if (canonical === undefined) return false
  const parsed = ipaddr.parse(canonical)
  return ranges.some(({ network, bits }) => parsed.kind() === network.kind() && parsed.match(network, bits))
}

/**
 * The IPv4 addresses that an IPv6 address stands for, where somebody translates it: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC
 * 3056), Teredo (RFC 4380) and the old IPv4-compatible form. (IPv4-mapped ones are IPv4 in their canonical form.)
 */
export function embeddedIpv4(address: string): readonly string[] {
  const canonical = canonicalAddress(address) ?? ''
  if (!isIPv6(canonical)) return []
  const { parts } = parsedIpv6(canonical)
  const at = (part: number, flip = 0): string => {
    const [high, low] = [(parts[part] as number) ^ flip, (parts[part + 1] as number) ^ flip]
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  }
  if (parts[0] === 0x2002) return [at(1)]
  if (parts[0] === 0x2001 && parts[1] === 0) return [at(2), at(6, 0xffff)]
  if (parts[0] === 0x64 && parts[1] === 0xff9b) return [at(6)]
  return parts.slice(0, 6).every((part) => part === 0) ? [at(6)] : []
}
