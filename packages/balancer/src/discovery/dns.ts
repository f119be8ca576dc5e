import { type Checks, checkOptions, options } from '@gatelet/core'
import { NameLookup } from './addresses.ts'
import { endpointAt, portNumber, type SchemeOptions, schemeChecks } from './endpoint-of.ts'
import { dnsName, type ResolverOptions, resolverChecks, resolverFor, resolverSettings } from './resolver.ts'
import { rounds } from './rounds.ts'
import type { DiscoverySource } from './source.ts'

/** Which name's addresses are servers, and how they are spoken to. */
export interface DnsOptions extends ResolverOptions, SchemeOptions {
  /** 1 to 65,535, since addresses have none. Default: that of the scheme, 80 or 443. */
  port?: number
}

/**
 * The addresses of a name (A and AAAA), looked up again when their TTL is over. A name that is not there is an empty list.
 * Their order plays no part. Where one family cannot be looked up, what was found of it before stays.
 * @throws GatewayError `BAD_OPTION`
 * @example createBalancer({ endpoints: dns('orders.internal', { port: 8080 }) })
 */
export function dns(name: string, given: DnsOptions = {}): DiscoverySource {
  const checked = checkOptions<DnsOptions & { name: string }>('dns', { ...given, name }, { ...checks, name: dnsName })
  const { scheme = 'http', port = scheme === 'https' ? 443 : 80 } = checked
  const settings = resolverSettings(checked)
  return {
    name: `dns ${name}`,
    watch(observer) {
      const lookup = new NameLookup(name, settings)
      return rounds(observer, settings.maxRetryMs, async (signal) => {
        const { addresses, ttlMs, failure } = await lookup.look(resolverFor(settings, signal))
        if (failure !== undefined && addresses.length === 0) throw failure
        observer.found(addresses.map((host) => endpointAt({ ...checked, host, port })))
        if (failure !== undefined) observer.failed(failure)
        return ttlMs
      })
    },
  }
}

const checks: Checks<DnsOptions> = { ...resolverChecks, ...schemeChecks, port: options.optional(portNumber) }
