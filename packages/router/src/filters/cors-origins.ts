import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { type Check, canonicalizeHost, GatewayError, options } from '@gatelet/core'

/** Which origins a list of patterns means, prepared once. */
export interface OriginSet {
  /** `*` is among them: every origin there is. */
  readonly isAny: boolean
  /** Every host of a scheme is among them, or `null`, or `*`: whoever wants can have such an origin. */
  readonly isOpen: boolean
  has(origin: string): boolean
}

/**
 * One origin: `https://app.example.com`, `http://localhost:5173`; `https://*.example.com` for all hosts below, however deep, and
 * never for `example.com` itself; `https://*` for all hosts; `*` for all there are; `null` for those that tell none. Canonical.
 */
export const originPattern: Check<string> = (value, path) => {
  const refused = () =>
    options.wrong(value, path, 'an origin without a path, such as https://app.example.com, https://*.example.com, * or null')
  if (value === '*' || value === 'null') return value
  if (typeof value !== 'string') throw refused()
  const [, scheme = '', wildcard = '', host = ''] = /^([a-z][a-z0-9+.-]*):\/\/(\*\.|\*(?![^:]))?([^/?#@*\s]*)$/i.exec(value) ?? []
  const isHttp = /^https?$/i.test(scheme)
  // Of other schemes, such as that of an app's own pages, only the one that is written.
  if (!isHttp && (host === '' || wildcard !== '')) throw refused()
  const authority = isHttp ? canonicalAuthority(scheme.toLowerCase() as 'http' | 'https', wildcard, host) : host
  if (authority === undefined) throw refused()
  return `${scheme.toLowerCase()}://${wildcard}${authority}`
}

/** @param patterns as `originPattern` gave them */
export function originSet(patterns: readonly string[]): OriginSet {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const wildcards = patterns.filter((pattern) => pattern.includes('://*')).map(wildcardTest)
  const isAny = patterns.includes('*')
  return {
    isAny,
    isOpen: isAny || exact.has('null') || patterns.some((pattern) => /:\/\/\*(?!\.)/.test(pattern)),
    has: (origin) => exact.has(origin) || wildcards.some((matches) => matches(origin)),
  }
}

/** Whether a text is what a browser sends as `Origin` for a page that has one (RFC 6454 §7): one, and not `null`. */
export const isOrigin = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,\\]+$/.test(text)

function wildcardTest(pattern: string): (origin: string) => boolean {
  const [before = '', after = ''] = pattern.split('*')
  return (origin) =>
    origin.startsWith(before) &&
    origin.endsWith(after) &&
    // What the star stands for is whole labels: `https://evil.test/x.example.com` is none.
    /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(origin.slice(before.length, origin.length - after.length))
}

function canonicalAuthority(scheme: 'http' | 'https', wildcard: string, written: string): string | undefined {
  // `https://*:8443` has no name of which a port could stand behind.
  const named = wildcard === '*' ? `any${written}` : written
  try {
    const { host, port } = canonicalizeHost(/[^\x20-\x7e]/.test(named) ? domainToASCII(named) : named, scheme)
    if (wildcard !== '' && (isIP(host) !== 0 || host.startsWith('['))) return undefined
    return `${wildcard === '*' ? '' : host}${port === undefined ? '' : `:${port}`}`
  } catch (error) {
    if (error instanceof GatewayError) return undefined
    throw error
  }
}
