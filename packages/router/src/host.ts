import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { type Check, canonicalizeHost, GatewayError, options } from '@gatelet/core'

/** A host pattern, canonical. */
export interface HostPattern {
  /** Without the `*.`. */
  readonly name: string
  /** Whether it stands for every host below `name`, however deep; never for `name` itself. */
  readonly isWildcard: boolean
}

/** Reads a host pattern: `api.example.com`, `*.example.com`, `10.0.0.1`, `[::1]`. Ports play no part in routing. */
export const hostPattern: Check<HostPattern> = (value, path) => {
  const refused = () => options.wrong(value, path, 'a host name without port, such as api.example.com or *.example.com')
  if (typeof value !== 'string') throw refused()
  const isWildcard = value.startsWith('*.')
  const name = canonicalName(isWildcard ? value.slice(2) : value)
  if (name === undefined || (isWildcard && (isIP(name) !== 0 || name.startsWith('[')))) throw refused()
  return { name, isWildcard }
}

/** The pattern as text; empty for any host. */
export function hostText(host: HostPattern | undefined): string {
  return host ? `${host.isWildcard ? '*.' : ''}${host.name}` : ''
}

function canonicalName(written: string): string | undefined {
  if (written.startsWith('[') ? !written.endsWith(']') : written.includes(':')) return undefined
  try {
    return canonicalizeHost(/[^\x20-\x7e]/.test(written) ? domainToASCII(written) : written, 'http').host
  } catch (error) {
    if (error instanceof GatewayError) return undefined
    throw error
  }
}

/** Things by host pattern, prepared for look-ups. */
export class HostIndex<T> {
  private readonly exact = new Map<string, readonly T[]>()
  private readonly wildcard = new Map<string, readonly T[]>()
  private readonly everywhere: readonly T[]
  /** Characters of the longest name with a wildcard. */
  private longest = 0

  /** @param things one for each pattern (undefined: any host) */
  constructor(things: readonly (readonly [pattern: HostPattern | undefined, thing: T])[]) {
    this.everywhere = things.filter(([pattern]) => !pattern).map(([, thing]) => thing)
    // What is shorter comes first, so that each list is made of one that is ready.
    const wildcards = named(things, true).sort(([a], [b]) => a.length - b.length)
    for (const [name, thing] of wildcards) {
      this.wildcard.set(name, [thing, ...this.below(name)])
      this.longest = name.length
    }
    for (const [name, thing] of named(things, false)) this.exact.set(name, [thing, ...this.below(name)])
  }

  /** In the order of precedence: of the exact host, of wildcards from the longest on, of any host. */
  matching(host: string): readonly T[] {
    if (this.exact.size === 0 && this.wildcard.size === 0) return this.everywhere
    return this.exact.get(host) ?? this.below(host)
  }

  private below(host: string): readonly T[] {
    if (this.wildcard.size === 0) return this.everywhere
    // What is longer than every name is none: to look up each end of a host of many labels takes time by the square of its length.
    for (let dot = host.indexOf('.', host.length - 1 - this.longest); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      const found = this.wildcard.get(host.slice(dot + 1))
      if (found) return found
    }
    return this.everywhere
  }
}

function named<T>(things: readonly (readonly [HostPattern | undefined, T])[], isWildcard: boolean): (readonly [string, T])[] {
  return things.flatMap(([pattern, thing]) => (pattern?.isWildcard === isWildcard ? [[pattern.name, thing] as const] : []))
}
