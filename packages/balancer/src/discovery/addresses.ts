import type { promises } from 'node:dns'
import { orNothing, type ResolverSettings } from './resolver.ts'

/** Addresses of one name, and how long they may be kept. */
export interface Addresses {
  /** Sorted: servers change the order from answer to answer. */
  readonly addresses: readonly string[]
  readonly ttlMs: number
  /** Why a family could not be looked up. Its addresses are those of the look before. */
  readonly failure: unknown
}

/** The addresses of one name, look after look. Of each family at most `max`, the first when sorted; one answer has about 4,000. */
export class NameLookup {
  private readonly name: string
  private readonly settings: ResolverSettings
  private readonly max: number
  // By family, what was answered last.
  private readonly last = new Map<4 | 6, readonly AddressRecord[]>()

  constructor(name: string, settings: ResolverSettings, max: number = Number.POSITIVE_INFINITY) {
    this.name = name
    this.settings = settings
    this.max = max
  }

  /**
   * That there are none (NXDOMAIN, no such record) is an answer. Where one family fails, the other's answer counts: many
   * servers of the DNS cannot be asked for AAAA at all.
   */
  async look(resolver: promises.Resolver): Promise<Addresses> {
    const { family, minTtlMs, maxTtlMs } = this.settings
    const families = family === 'both' ? ([4, 6] as const) : [family]
    const answers = await Promise.allSettled(families.map((each) => this.ask(resolver, each)))
    const records = families.flatMap((each) => this.last.get(each) ?? [])
    // With its highest bit set, a TTL means 0 (RFC 2181 §8).
    const ttl = records.length === 0 ? 0 : Math.min(...records.map((record) => (record.ttl < 2 ** 31 ? record.ttl : 0)))
    return {
      addresses: [...new Set(records.map(({ address }) => address))].sort(),
      ttlMs: Math.max(minTtlMs, Math.min(maxTtlMs, ttl * 1_000)),
      failure: answers.find((answer) => answer.status === 'rejected')?.reason,
    }
  }

  private async ask(resolver: promises.Resolver, family: 4 | 6): Promise<void> {
    const asking = family === 4 ? resolver.resolve4(this.name, { ttl: true }) : resolver.resolve6(this.name, { ttl: true })
    const records = await orNothing<AddressRecord>(asking)
    this.last.set(family, records.length > this.max ? records.toSorted(byAddress).slice(0, this.max) : records)
  }
}

const byAddress = (a: AddressRecord, b: AddressRecord): number => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0)

interface AddressRecord {
  readonly address: string
  /** Seconds. */
  readonly ttl: number
}
