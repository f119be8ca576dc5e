import { type Check, type Checks, checkOptions, GatewayError, type Middleware, options, problem } from '@gatelet/core'
import { AddressSet } from './address-set.ts'

/** Which clients are let in, by address: IPv4, IPv6, and CIDR ranges such as `10.0.0.0/8`. IPv4-mapped IPv6 is IPv4. */
export interface AddressListOptions {
  /** Only these, 100,000 entries at most; an empty list lets nobody in. Left out: everybody. */
  allow?: readonly string[]
  /** Not these, whatever `allow` says. 100,000 entries at most. Default: none. */
  deny?: readonly string[]
}

/** A layer, and the handle of its lists. */
export type AddressList = Middleware & {
  /**
   * Puts other lists in the place of both, whole or not at all; requests that come from now on see the new ones.
   * @throws GatewayError `BAD_OPTION`; the old ones stay then
   */
  replace(lists: AddressListOptions): void
}

/**
 * Lets clients in, or not (403, `ADDRESS_DENIED`), by `ctx.request.client.address`, which believes trusted proxies alone. A client
 * without an address, as on a Unix socket, is let in only where there is no `allow`. A look-up does not get slower as lists grow.
 * @throws GatewayError `BAD_OPTION` at once
 * @example chain().use(addressList({ allow: ['10.0.0.0/8', '2001:db8::/32'], deny: ['10.6.6.0/24'] })).to(router)
 */
export function addressList(given: AddressListOptions): AddressList {
  let lists = checkOptions<Lists>('addressList', given, checks)
  const layer: Middleware = function addressList(ctx, next) {
    const { address } = ctx.request.client
    const { allow, deny } = lists
    const isIn = !deny?.has(address) && (allow === undefined || allow.has(address))
    return isIn ? next(ctx) : problem(new GatewayError('ADDRESS_DENIED'))
  }
  function replace(given: AddressListOptions): void {
    lists = checkOptions<Lists>('addressList.replace', given, checks)
  }
  return Object.assign(layer, { replace })
}

interface Lists {
  readonly allow?: AddressSet
  readonly deny?: AddressSet
}

/** The check of a list of addresses and ranges. */
export const addresses: Check<AddressSet> = (value, path) =>
  new AddressSet(options.list(options.string, { max: 100_000 })(value, path), path)

const checks: Checks<Lists> = { allow: options.optional(addresses), deny: options.optional(addresses) }
