import type { promises, SrvRecord } from 'node:dns'
import { type Checks, checkOptions, options } from '@gatelet/core'
import type { UrlEndpoint } from '../endpoint-options.ts'
import { type Addresses, NameLookup } from './addresses.ts'
import { endpointAt, type SchemeOptions, schemeChecks } from './endpoint-of.ts'
import {
  dnsName,
  orNothing,
  type ResolverOptions,
  type ResolverSettings,
  resolverChecks,
  resolverFor,
  resolverSettings,
} from './resolver.ts'
import { rounds } from './rounds.ts'
import type { DiscoverySource } from './source.ts'
import { type SrvServer, srvServers } from './srv-records.ts'

/** How a service is looked up by its SRV records. */
export interface DnsSrvOptions extends ResolverOptions, SchemeOptions {
  /**
   * How often, in milliseconds, at least 1: Node tells no TTL of SRV records. Sooner when the TTL of an address is over; a
   * tenth more or less by chance. Default 30,000.
   */
  refreshMs?: number
}

/**
 * A service by its SRV records (RFC 2782): hosts, ports, weights, and priorities, of which the lowest number comes first. A
 * host that has several addresses shares its weight among them. The target `.` says that the service is not there: an empty list.
 * The first 1,000 targets count, and of each host 100 addresses of either family.
 * @param name `_http._tcp.orders.internal`
 * @throws GatewayError `BAD_OPTION`
 */
export function dnsSrv(name: string, given: DnsSrvOptions = {}): DiscoverySource {
  const checked = checkOptions<DnsSrvOptions & { name: string }>('dnsSrv', { ...given, name }, { ...checks, name: dnsName })
  const { refreshMs = 30_000 } = checked
  const settings = resolverSettings(checked)
  return {
    name: `dns srv ${name}`,
    watch(observer) {
      const lookups = new Map<string, NameLookup>()
      return rounds(observer, settings.maxRetryMs, async (signal) => {
        const resolver = resolverFor(settings, signal)
        const servers = srvServers(await orNothing<SrvRecord>(resolver.resolveSrv(name))).slice(0, MAX_TARGETS)
        keepOnly(lookups, new Set(servers.map(({ host }) => host)), settings)
        const hosts = await lookAtAll(lookups, resolver)
        const failure = [...hosts.values()].find((each) => each.failure !== undefined)?.failure
        const found = servers.flatMap((server) => endpointsOf(server, hosts.get(server.host)?.addresses ?? [], checked))
        if (failure !== undefined && found.length === 0) throw failure
        observer.found(onePerUrl(found))
        if (failure !== undefined) observer.failed(failure)
        const ttlMs = Math.min(refreshMs, ...[...hosts.values()].map((each) => each.ttlMs))
        return Math.min(MAX_DELAY_MS, ttlMs * (0.9 + 0.2 * observer.clock.random()))
      })
    },
  }
}

const checks: Checks<DnsSrvOptions> = { ...resolverChecks, ...schemeChecks, refreshMs: options.optional(options.milliseconds()) }

// One answer may name two thousand hosts, and the answers for each of them thousands of addresses.
const MAX_TARGETS = 1_000
const MAX_ADDRESSES = 100

// Ten per cent more than the longest time would be too long for a timer.
const MAX_DELAY_MS = 2_147_483_647

// So many at a time: hundreds of targets must not be hundreds of packets at once, of which some are lost.
const AT_ONCE = 10

async function lookAtAll(
  lookups: ReadonlyMap<string, NameLookup>,
  resolver: promises.Resolver,
): Promise<ReadonlyMap<string, Addresses>> {
  const found = new Map<string, Addresses>()
  const left = lookups.entries()
  const worker = async () => {
    for (const [host, lookup] of left) found.set(host, await lookup.look(resolver))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return found
}

function keepOnly(lookups: Map<string, NameLookup>, hosts: ReadonlySet<string>, settings: ResolverSettings): void {
  for (const host of lookups.keys()) if (!hosts.has(host)) lookups.delete(host)
  for (const host of hosts) if (!lookups.has(host)) lookups.set(host, new NameLookup(host, settings, MAX_ADDRESSES))
}

function endpointsOf(server: SrvServer, addresses: readonly string[], how: SchemeOptions): readonly UrlEndpoint[] {
  const { host, port, priority, weight } = server
  const traits = { priority, weight: weight / addresses.length, metadata: { host } }
  return addresses.map((address) => endpointAt({ ...how, host: address, port }, traits))
}

// Two names may be one server. The first counts: records are sorted by priority.
function onePerUrl(found: readonly UrlEndpoint[]): UrlEndpoint[] {
  const byUrl = new Map<string, UrlEndpoint>()
  for (const each of found) if (!byUrl.has(String(each.url))) byUrl.set(String(each.url), each)
  return [...byUrl.values()]
}
