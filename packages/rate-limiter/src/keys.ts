import { createHash } from 'node:crypto'
import { type Context, checkOptions, networkOf, options } from '@gatelet/core'
import { LRUCache } from 'lru-cache'

/**
 * Says who is counted: requests with the same key share one allowance. Undefined: nothing is known of who asks; then the
 * client's address counts, apart from all keys.
 */
export type RateKey<S extends object = {}> = (ctx: Context<S>) => string | undefined

/** How addresses are put together. */
export interface AddressKeyOptions {
  /**
   * So many bits of an IPv6 address count as one client, 1 to 128: who has one address has a whole network of them. IPv4-mapped
   * addresses are IPv4, zones do not count. Default: 64.
   */
  ipv6Prefix?: number
}

/** Counts by the client's address, as far as it can be believed (see `trustedProxies` of the adapters). The default. */
export function byClientAddress(given: AddressKeyOptions = {}): RateKey {
  const { ipv6Prefix = 64 } = checkOptions<AddressKeyOptions>('byClientAddress', given, {
    ipv6Prefix: options.optional(options.number({ min: 1, max: 128, integer: true })),
  })
  // Finding the network takes twenty times as long as the decision itself.
  const networks = new LRUCache<string, string>({ max: MAX_NETWORKS })
  return ({ request }) => {
    const { address } = request.client
    if (!address.includes(':')) return address
    const known = networks.get(address)
    if (known !== undefined) return known
    const network = networkOf(address, ipv6Prefix)
    networks.set(address, network)
    return network
  }
}

const MAX_NETWORKS = 10_000

/** Counts by who the request has proved to be; stands behind the layer that adds `principal`. */
export function byPrincipal(): RateKey<{ readonly principal: { readonly subject: string } }> {
  return ({ state }) => state.principal.subject
}

/** Counts by a header. Who asks chooses it: only for what another layer or a trusted proxy has set. @throws GatewayError `BAD_OPTION` */
export function byHeader(name: string): RateKey {
  const wanted = options.token('x-tenant')(name, 'name')
  return ({ request }) => request.headers.get(wanted)
}

/**
 * Counts by the API key of a header. A store gets a digest, never the key itself. Whether it is one of yours is for another
 * layer to say: with keys that anybody makes up, anybody has as many allowances.
 * @throws GatewayError `BAD_OPTION`
 */
export function byApiKey(header = 'x-api-key'): RateKey {
  const read = byHeader(header)
  return (ctx) => {
    const key = read(ctx)
    return key === undefined ? undefined : digest(key)
  }
}

/** As long as keys may be in a store. */
const MAX_KEY_LENGTH = 256

const address = byClientAddress()

/** Who asks, as it is, for whoever looks it up; undefined when nothing is known of them. */
export function whoOf<S extends object>(by: RateKey<S> | undefined, ctx: Context<S>): string | undefined {
  return by ? by(ctx) : address(ctx as unknown as Context)
}

/** The key of a request, short enough for every store. */
export function keyOf<S extends object>(by: RateKey<S> | undefined, ctx: Context<S>): string {
  return storedKey(whoOf(by, ctx), ctx)
}

/** @param key what `whoOf` has said */
export function storedKey<S extends object>(key: string | undefined, ctx: Context<S>): string {
  // No header has a NUL: who sends `192.0.2.1` for a key must not use up what belongs to that address.
  if (key === undefined) return `\0${address(ctx as unknown as Context)}`
  return shortened(key)
}

/** A key that may be of any length, such as what stands in a header, in at most 256 characters. */
export function shortened(key: string): string {
  return key.length <= MAX_KEY_LENGTH ? key : `\0${digest(key)}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
