import type { SrvRecord } from 'node:dns'

/** A server that an SRV record names. */
export interface SrvServer {
  readonly host: string
  readonly port: number
  readonly priority: number
  /** Above 0. */
  readonly weight: number
}

/**
 * The servers that SRV records name, the first priority first. A target of `.` names none (RFC 2782). Weight 0 is not "none":
 * beside others it means a very small chance, about 1 in (their sum + 1) for all such records of a priority together; where all
 * have it, they are equal.
 */
export function srvServers(records: readonly SrvRecord[]): readonly SrvServer[] {
  const servers = records.filter(({ name, port }) => name !== '' && name !== '.' && port > 0)
  const zeros = new Map<number, number>()
  for (const { priority, weight } of servers) if (weight === 0) zeros.set(priority, (zeros.get(priority) ?? 0) + 1)
  return servers
    .map(({ name, port, priority, weight }) => ({ host: name, port, priority, weight: weight || 1 / (zeros.get(priority) ?? 1) }))
    .sort((a, b) => a.priority - b.priority || (a.host < b.host ? -1 : a.host > b.host ? 1 : a.port - b.port))
}
