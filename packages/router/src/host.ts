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

function canonicalName(written: string): string | undefined {
  if (written.startsWith('[') ? !written.endsWith(']') : written.includes(':')) return undefined
  try {
    return canonicalizeHost(/[^\x20-\x7e]/.test(written) ? domainToASCII(written) : written, 'http').host
  } catch (error) {
    if (error instanceof GatewayError) return undefined
    throw error
  }
}

/** One thing per host pattern, found in the order of precedence. */
export class HostIndex<T> {
  private readonly exact = new Map<string, T>()
  private readonly wildcard = new Map<string, T>()
  private everywhere: T | undefined

  /** What stands at this pattern (undefined: any host). */
  at(pattern: HostPattern | undefined, make: () => T): T {
    if (!pattern) {
      this.everywhere ??= make()
      return this.everywhere
    }
    const map = pattern.isWildcard ? this.wildcard : this.exact
    const found = map.get(pattern.name) ?? make()
    map.set(pattern.name, found)
    return found
  }

  /** The first answer that is not undefined: of the exact host, then of wildcards from the longest on, then of any host. */
  first<R>(host: string, look: (found: T) => R | undefined): R | undefined {
    const exact = this.exact.get(host)
    const answer = (exact && look(exact)) ?? (this.wildcard.size > 0 ? this.firstWildcard(host, look) : undefined)
    return answer ?? (this.everywhere && look(this.everywhere))
  }

  private firstWildcard<R>(host: string, look: (found: T) => R | undefined): R | undefined {
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      const found = this.wildcard.get(host.slice(dot + 1))
      const answer = found && look(found)
      if (answer !== undefined) return answer
    }
    return undefined
  }
}
