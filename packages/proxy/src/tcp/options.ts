import { addressRanges, type Balancer, type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import { type AddressGuard, type AddressOptions, addressChecks, addressGuard } from '../address-guard.ts'

/** How connections are taken and forwarded. */
export interface TcpOptions {
  /** Where to listen. Default 0: a free port. */
  port?: number
  /** On which address. Default: all. */
  host?: string
  /** For a connection to an endpoint, in milliseconds. Default 2,000. */
  connectMs?: number
  /** Endpoints that are tried after the first, where none could be connected to. 0 to 10, default 2. */
  retries?: number
  /** How long a connection may carry nothing, either way, in milliseconds; 0: for ever. Default 300,000. */
  idleMs?: number
  /** Connections at once, 1 to 1,000,000; more are closed at once. Default 10,000. */
  maxConnections?: number
  /** The PROXY protocol, by which balancers tell each other who the client is. Default: not spoken. */
  proxyProtocol?: TcpProxyProtocolOptions
  /** Which addresses may be connected to. Default: any, since endpoints are named by who runs the server. */
  addresses?: AddressOptions
  /** Which connections go to the same endpoint, where the strategy hashes. Default: those of one client address. */
  hashKey?: (client: TcpClient) => string
  /** For the balancer's queue: higher comes first. Default: all are 0. */
  priority?: (client: TcpClient) => number
  /** Where time comes from. */
  clock?: Clock
}

/** The PROXY protocol of HAProxy, versions 1 and 2. */
export interface TcpProxyProtocolOptions {
  /** Peers that begin each connection with a header, as addresses and CIDR ranges; without one they are closed. Default: nobody. */
  from?: readonly string[]
  /** The version of the header that endpoints get. Default: none. */
  send?: 1 | 2
}

/** Who connected. */
export interface TcpClient {
  /** Canonical; of the client itself, where a PROXY header told it. */
  readonly address: string
  readonly port: number
}

/** How a server is closed. */
export interface TcpCloseOptions {
  /** How long connections may go on, in milliseconds, 0 to about 24 days; then they are broken off. Default 30,000. */
  graceMs?: number
}

/** The same with every default filled in. */
export interface TcpSettings extends Required<Omit<TcpOptions, 'proxyProtocol' | 'host' | 'priority' | 'addresses'>> {
  readonly host: string | undefined
  readonly priority: TcpOptions['priority'] | undefined
  readonly headersFrom: ReturnType<typeof addressRanges>
  readonly send: 1 | 2 | undefined
  readonly guard: AddressGuard | undefined
}

const { fn, list, milliseconds, number, oneOf, optional, shape, string, wrong } = options

const ranges: options.Check<readonly string[]> = (value, path) => {
  const texts = list(string)(value, path)
  for (const [at, text] of texts.entries()) {
    try {
      addressRanges([text], path)
    } catch {
      throw wrong(text, `${path}[${at}]`, 'an IP address or a CIDR range such as 10.0.0.0/8')
    }
  }
  return texts
}

const checks: Checks<TcpOptions> = {
  port: optional(number({ min: 0, max: 65_535, integer: true })),
  host: optional(string),
  connectMs: optional(milliseconds()),
  retries: optional(number({ min: 0, max: 10, integer: true })),
  idleMs: optional(milliseconds(0)),
  maxConnections: optional(number({ min: 1, max: 1_000_000, integer: true })),
  proxyProtocol: optional(shape<TcpProxyProtocolOptions>({ from: optional(ranges), send: optional(oneOf(1, 2)) })),
  addresses: optional(addressChecks),
  hashKey: optional(fn<NonNullable<TcpOptions['hashKey']>>('a function of the client')),
  priority: optional(fn<NonNullable<TcpOptions['priority']>>('a function of the client')),
  clock: optional(options.clock),
}

/** Checks options and fills in the defaults. @throws GatewayError `BAD_OPTION` */
export function tcpSettings(given: TcpOptions): TcpSettings {
  const { proxyProtocol = {}, addresses, ...checked } = checkOptions('tcpBalancer', given, checks)
  return {
    port: 0,
    connectMs: 2_000,
    retries: 2,
    idleMs: 300_000,
    maxConnections: 10_000,
    hashKey: ({ address }) => address,
    clock: systemClock,
    host: undefined,
    priority: undefined,
    ...checked,
    headersFrom: addressRanges(proxyProtocol.from ?? [], 'proxyProtocol.from'),
    send: proxyProtocol.send,
    guard: addresses && addressGuard(addresses),
  }
}

/** What connections go to. @throws GatewayError `BAD_OPTION` */
export function checkedBalancer(to: unknown): Balancer {
  if (typeof (to as Partial<Balancer> | null | undefined)?.acquire === 'function') return to as Balancer
  throw wrong(to, 'balancer', 'a balancer')
}

/** How long to go on. @throws GatewayError `BAD_OPTION` */
export function graceOf(given: TcpCloseOptions): number {
  return checkOptions('close', given, { graceMs: optional(milliseconds(0)) } satisfies Checks<TcpCloseOptions>).graceMs ?? 30_000
}
