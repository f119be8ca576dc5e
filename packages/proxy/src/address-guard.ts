import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import {
  type AddressRange,
  addressRanges,
  type Check,
  type Checks,
  embeddedIpv4,
  GatewayError,
  isWithin,
  options,
} from '@gatelet/core'

/** Kinds of addresses that are not of the public internet. */
export type AddressKind = 'private' | 'loopback' | 'link-local' | 'shared' | 'unspecified' | 'multicast' | 'reserved'

/**
 * Which addresses may be connected to. Looked at when a connection is made: what is looked at is what is connected to, so a
 * name that leads elsewhere a moment later (DNS rebinding) changes nothing. Unix sockets have no address.
 */
export interface AddressOptions {
  /**
   * Kinds and ranges that are not connected to: `private` (RFC 1918, fc00::/7), `loopback`, `link-local` (169.254.169.254 among
   * them), `shared` (100.64.0.0/10), `unspecified` (0.0.0.0/8), `multicast`, `reserved`, `10.1.0.0/16`. Default: all kinds, or
   * with `allow` alone everything else.
   */
  refuse?: readonly (AddressKind | (string & {}))[]
  /** Kinds and ranges that are connected to all the same. */
  allow?: readonly (AddressKind | (string & {}))[]
}

/** Says no to addresses. */
export interface AddressGuard {
  /** @throws GatewayError `UPSTREAM_ADDRESS_REFUSED` for an address that is refused. What is no address passes: it is looked up */
  check(address: string): void
  /** `dns.lookup`, without the addresses that are refused; an error where none is left. */
  readonly lookup: LookupFunction
}

const kinds: Readonly<Record<AddressKind, readonly string[]>> = {
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10'],
  loopback: ['127.0.0.0/8', '::1'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  shared: ['100.64.0.0/10'],
  unspecified: ['0.0.0.0/8', '::'],
  multicast: ['224.0.0.0/4', '255.255.255.255', 'ff00::/8'],
  reserved: [
    ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '240.0.0.0/4'],
    ...['100::/64', '2001:2::/48', '2001:10::/28', '2001:20::/28', '2001:db8::/32', '3fff::/20', '5f00::/16'],
    // What a translator on the way makes of them, nobody here knows. What they stand for is looked at besides.
    '64:ff9b:1::/48',
  ],
}

const { list, optional, shape, string } = options

const range: Check<string> = (value, path) => {
  const text = string(value, path)
  if (Object.hasOwn(kinds, text)) return text
  try {
    addressRanges([text], path)
  } catch {
    throw options.wrong(value, path, `an address, a CIDR range such as 10.0.0.0/8, or one of ${Object.keys(kinds).join(', ')}`)
  }
  return text
}

export const addressChecks: Check<AddressOptions> = shape<AddressOptions>({
  refuse: optional(list(range, { max: 10_000 })),
  allow: optional(list(range, { max: 10_000 })),
} satisfies Checks<AddressOptions>)

const everything = ['0.0.0.0/0', '::/0']

/** Made once. Takes what `addressChecks` has passed. */
export function addressGuard({ refuse, allow = [] }: AddressOptions): AddressGuard {
  const refused = rangesOf(refuse ?? (allow.length > 0 ? everything : Object.keys(kinds)))
  const allowed = rangesOf(allow)
  const isBad = (address: string) => isWithin(address, refused) && !isWithin(address, allowed)
  // An address inside of another is where the connection ends, if anything on the way translates it.
  const refuses = (address: string) => [address, ...embeddedIpv4(address)].some(isBad)
  return {
    check(address) {
      const bare = address.replace(/^\[|\]$/g, '')
      if (isIP(bare) !== 0 && refuses(bare)) throw refusal(bare)
    },
    lookup(hostname, options, done) {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error) {
          done(error, '')
          return
        }
        const left = found.filter(({ address }) => !refuses(address))
        const [first] = left
        if (!first) done(refusal(`${hostname} (${found.map(({ address }) => address).join(', ')})`), '')
        else if (options.all) done(null, left)
        else done(null, first.address, first.family)
      })
    },
  }
}

function rangesOf(texts: readonly string[]): readonly AddressRange[] {
  return addressRanges(
    texts.flatMap((text) => (Object.hasOwn(kinds, text) ? kinds[text as AddressKind] : [text])),
    'addresses',
  )
}

const refusal = (where: string) =>
  new GatewayError('UPSTREAM_ADDRESS_REFUSED', { message: `${where} is not an address that may be connected to` })
