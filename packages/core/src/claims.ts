import type { ReadonlyHeaders } from './headers.ts'

/** A chain of more hops than this is an attack, not a network. */
export const MAX_HOPS = 32

/** What one proxy says of who asked it. */
export interface Claim {
  /** Empty when it cannot be read. */
  readonly address: string
  readonly scheme?: 'http' | 'https' | undefined
}

/** What `X-Forwarded-For` says, the nearest hop first. */
export function forwardedForClaims(headers: ReadonlyHeaders): readonly Claim[] {
  const parts = headers.get('x-forwarded-for')?.split(',') ?? []
  const nearest = parts.slice(-MAX_HOPS).reverse()
  return nearest.map((part) => ({ address: withoutPort(part.trim()) }))
}

/** What `Forwarded` says (RFC 7239 §4: `for=192.0.2.60;proto=http, for="[2001:db8::1]:4711"`), the nearest hop first. */
export function forwardedClaims(headers: ReadonlyHeaders): readonly Claim[] {
  // Read from the right, where trusted proxies write: a quote that a client opens and does not close must not swallow what
  // they add behind it.
  const claims: Claim[] = []
  let element = ''
  let isOpen = false
  for (const part of headers.get('forwarded')?.split(',').reverse() ?? []) {
    if (hasOpenQuote(part)) isOpen = !isOpen
    element = part + element
    if (isOpen) element = `,${element}`
    else if (claims.push(claimOf(element)) === MAX_HOPS) break
    else element = ''
  }
  return claims
}

const hasOpenQuote = (text: string) => text.replace(/\\./g, '').split('"').length % 2 === 0

const forwardedPair = /\s*(?:([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*)?(?:;|$)/gy

function claimOf(element: string): Claim {
  let claim: Claim = { address: '' }
  let read = 0
  for (const [whole, name = '', quoted, plain = ''] of element.matchAll(forwardedPair)) {
    read += whole.length
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain
    if (name.toLowerCase() === 'for') {
      // Named twice: somebody's text was put in without quoting.
      if (claim.address !== '') return { address: '' }
      claim = { ...claim, address: withoutPort(value) }
    }
    if (name.toLowerCase() === 'proto') claim = { ...claim, scheme: schemeOf(value) }
  }
  return read === element.length ? claim : { address: '' }
}

/** An address as proxies write it that add the port: `192.0.2.60:4711`, `[2001:db8::1]:4711`. What is neither stays as it is. */
export function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::[\w.-]+)?$/.exec(text)
  if (bracketed) return bracketed[1] ?? ''
  return /^[\d.]+:[\w.-]+$/.test(text) ? text.slice(0, text.indexOf(':')) : text
}

/** The last scheme of a list: that of the nearest proxy. */
export function schemeOf(value: string | undefined): 'http' | 'https' | undefined {
  const last = value
    ?.slice(value.lastIndexOf(',') + 1)
    .trim()
    .toLowerCase()
  return last === 'http' || last === 'https' ? last : undefined
}
