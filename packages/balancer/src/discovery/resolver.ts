import { promises } from 'node:dns'
import { isIP } from 'node:net'
import { type Check, type Checks, options } from '@gatelet/core'

/** How names are looked up in the DNS. Names are whole: neither the machine's hosts file nor its search domains are asked. */
export interface ResolverOptions {
  /** Whom to ask, at least one: `10.0.0.2`, `10.0.0.2:5353`, `[fd00::2]:53`. Default: the servers that the machine asks. */
  servers?: readonly string[]
  /** How long one try waits for an answer, in milliseconds, at least 1. Default 2,000. */
  timeoutMs?: number
  /** How often each server is asked before a look fails, 1 to 10. Default 2. */
  tries?: number
  /** `4` and `6` for addresses of one family. Default `both`: a server that has two addresses is then two endpoints. */
  family?: 4 | 6 | 'both'
  /** The shortest time between two looks, in milliseconds, at least 1: what an answer with a TTL of 0 gets. Default 1,000. */
  minTtlMs?: number
  /** The longest, whatever the TTL says. Default 300,000. */
  maxTtlMs?: number
  /** The longest wait before the next look after a failure, in milliseconds, at least 1. Default 30,000. */
  maxRetryMs?: number
}

/** Checked, with every default. */
export interface ResolverSettings extends Required<Omit<ResolverOptions, 'servers'>> {
  readonly servers: readonly string[] | undefined
}

const { list, milliseconds, number, oneOf, optional, wrong } = options

const server: Check<string> = (value, path) => {
  try {
    if (typeof value !== 'string') throw new TypeError()
    new promises.Resolver().setServers([value])
    return value
  } catch {
    throw wrong(value, path, 'the address of a DNS server, such as 10.0.0.2 or 10.0.0.2:53')
  }
}

export const resolverChecks: Checks<ResolverOptions> = {
  servers: optional(list(server, { min: 1, max: 100 })),
  timeoutMs: optional(milliseconds()),
  tries: optional(number({ min: 1, max: 10, integer: true })),
  family: optional(oneOf(4, 6, 'both')),
  minTtlMs: optional(milliseconds()),
  maxTtlMs: optional(milliseconds()),
  maxRetryMs: optional(milliseconds()),
}

export function resolverSettings(given: ResolverOptions): ResolverSettings {
  const { servers, timeoutMs = 2_000, tries = 2, family = 'both', minTtlMs = 1_000, maxRetryMs = 30_000 } = given
  const { maxTtlMs = Math.max(300_000, minTtlMs) } = given
  if (maxTtlMs < minTtlMs) throw wrong(maxTtlMs, 'maxTtlMs', `at least minTtlMs, which is ${minTtlMs}`)
  return { servers, timeoutMs, tries, family, minTtlMs, maxTtlMs, maxRetryMs }
}

/** A name that can be looked up; an address is none. */
export const dnsName: Check<string> = (value, path) => {
  const isName = typeof value === 'string' && /^(?!\.)[\w.-]{1,254}$/.test(value) && !value.includes('..')
  if (!isName || isIP(value) !== 0) throw wrong(value, path, 'a whole name in the DNS, such as orders.internal')
  return value
}

/** A resolver for one look. A new one each time sees what has changed in the machine's own settings since the last. */
export function resolverFor({ servers, timeoutMs, tries }: ResolverSettings, signal: AbortSignal): promises.Resolver {
  const resolver = new promises.Resolver({ timeout: timeoutMs, tries })
  if (servers) resolver.setServers(servers)
  signal.addEventListener('abort', () => resolver.cancel(), { once: true })
  return resolver
}

/** Nothing, where the answer says that there is no such record. @throws every other failure */
export async function orNothing<T>(asking: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await asking
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTFOUND' || code === 'ENODATA') return []
    throw error
  }
}
