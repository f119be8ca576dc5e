import { addressRanges, canonicalAddress } from '@gatelet/core'

/**
 * Addresses and CIDR ranges, prepared for look-ups: each takes as many steps as there are lengths of prefixes in the list, 33
 * and 129 at most, however long it is. IPv4-mapped IPv6 is IPv4.
 */
export class AddressSet {
  private readonly v4 = new PrefixSet()
  private readonly v6 = new PrefixSet()

  /** @param path where they stand, for the error @throws GatewayError `BAD_OPTION` */
  constructor(texts: readonly string[], path: string) {
    for (const { network, bits } of addressRanges(texts, path)) {
      this.setFor(network.kind()).add(hexOf(network.toByteArray()), bits)
    }
  }

  /** Whether an address, in whatever spelling, is one of them. What is no address is not. */
  has(address: string): boolean {
    const canonical = canonicalAddress(address)
    const [range] = canonical === undefined ? [] : addressRanges([canonical], 'address')
    return range !== undefined && this.setFor(range.network.kind()).has(hexOf(range.network.toByteArray()))
  }

  private setFor(kind: 'ipv4' | 'ipv6'): PrefixSet {
    return kind === 'ipv4' ? this.v4 : this.v6
  }
}

class PrefixSet {
  private readonly prefixes = new Set<string>()
  private readonly lengths = new Set<number>()

  add(hex: string, bits: number): void {
    this.lengths.add(bits)
    this.prefixes.add(prefixOf(hex, bits))
  }

  has(hex: string): boolean {
    for (const bits of this.lengths) if (this.prefixes.has(prefixOf(hex, bits))) return true
    return false
  }
}

const hexOf = (bytes: readonly number[]): string => Buffer.from(bytes).toString('hex')

/** The first bits, and how many: a digit of hex is four of them. */
function prefixOf(hex: string, bits: number): string {
  const whole = bits >> 2
  const more = bits & 3
  const last = more === 0 ? '' : Number.parseInt(hex[whole] as string, 16) >> (4 - more)
  return `${bits}/${hex.slice(0, whole)}${last}`
}
