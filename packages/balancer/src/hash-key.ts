import { type Checks, type Context, checkOptions, networkOf, options } from '@gatelet/core'

/** What requests have in common that should go to the same endpoint; undefined: nothing, so that any endpoint will do. */
export type HashKey = (ctx: Context) => string | undefined

/** How much of a client's address counts. */
export interface ClientAddressOptions {
  /**
   * Bits of an IPv6 address that count, 1 to 128: a client has a whole /64 and changes its address in there. Default 64. Of
   * IPv4 addresses, all count.
   */
  ipv6Prefix?: number
}

/**
 * The value of a request header; several are joined. One that is empty is none.
 * @throws GatewayError `BAD_OPTION`
 * @example createBalancer({ endpoints, strategy: 'hash', hashKey: byHeader('x-tenant') })
 */
export function byHeader(name: string): HashKey {
  const header = checkedName('byHeader', name, options.token('x-tenant'))
  return ({ request }) => orNone(request.headers.get(header))
}

/**
 * The value of a cookie (RFC 6265), byte for byte as the client sends it; the first of several, without those that are empty.
 * @throws GatewayError `BAD_OPTION`
 */
export function byCookie(name: string): HashKey {
  const cookie = checkedName('byCookie', name, options.token('session'))
  return ({ request }) => cookieOf(request.headers.get('cookie') ?? '', cookie)
}

/** The value of a query parameter, decoded; the first of several. One that is empty is none. @throws GatewayError `BAD_OPTION` */
export function byQuery(name: string): HashKey {
  const parameter = checkedName('byQuery', name)
  return ({ request }) => orNone(new URLSearchParams(request.url.search).get(parameter))
}

/** What a router around the balancer captured under this name: `id` of `/users/:id`. @throws GatewayError `BAD_OPTION` */
export function byParam(name: string): HashKey {
  const parameter = checkedName('byParam', name)
  return ({ state }) => orNone((state as { params?: Readonly<Record<string, string>> }).params?.[parameter])
}

/** The client's address, behind trusted proxies too; of IPv6 only its network. @throws GatewayError `BAD_OPTION` */
export function byClientAddress(given: ClientAddressOptions = {}): HashKey {
  const { ipv6Prefix = 64 } = checkOptions('byClientAddress', given, checks)
  return ({ request }) => networkOf(request.client.address, ipv6Prefix)
}

/**
 * The first of these that a request has.
 * @throws GatewayError `BAD_OPTION`
 * @example byFirst(byCookie('session'), byClientAddress())
 */
export function byFirst(...keys: readonly HashKey[]): HashKey {
  const checked = checkedKeys('byFirst', keys)
  return (ctx) => {
    for (const key of checked) {
      const found = key(ctx)
      if (found !== undefined) return found
    }
    return undefined
  }
}

/**
 * All of these together: requests must have the same of each. A request that has none of them has no key.
 * @throws GatewayError `BAD_OPTION`
 * @example byAll(byHeader('x-tenant'), byParam('document'))
 */
export function byAll(...keys: readonly HashKey[]): HashKey {
  const checked = checkedKeys('byAll', keys)
  return (ctx) => {
    const parts = checked.map((key) => key(ctx))
    // With lengths, so that 'a' and 'bc' are not 'ab' and 'c'; and what is missing is not what is empty.
    return parts.every((part) => part === undefined)
      ? undefined
      : parts.map((part) => (part === undefined ? '-' : `${part.length}:${part}`)).join('')
  }
}

const orNone = (value: string | null | undefined): string | undefined => (value ? value : undefined)

function cookieOf(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue
    const value = pair.slice(equals + 1).trim()
    if (value !== '') return value
  }
  return undefined
}

const checkedName = (owner: string, name: string, check: options.Check<string> = options.string): string =>
  checkOptions<{ name: string }>(owner, { name }, { name: check }).name

function checkedKeys(owner: string, keys: readonly HashKey[]): readonly HashKey[] {
  const each = options.list(options.fn<HashKey>('a hash key, such as byHeader(…) or a function of the context'), { min: 1 })
  return checkOptions<{ keys: readonly HashKey[] }>(owner, { keys }, { keys: each }).keys
}

const checks: Checks<ClientAddressOptions> = {
  ipv6Prefix: options.optional(options.number({ min: 1, max: 128, integer: true })),
}
