import { type IncomingRequest, originalOf } from '@gatelet/core'
import type { ProxySettings } from './options.ts'

/**
 * Names by which proxies tell whom they ask for. Believed, and so passed on, only when a trusted proxy wrote them. `_` and
 * `.` count as `-`: many servers cannot tell them apart.
 */
export function isForwardedName(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20
  if (first === 0x66 /* f */) return name.length === 9 && name.toLowerCase() === 'forwarded'
  return first === 0x78 /* x */ && xNames.test(name)
}

const xNames = /^x[-_.](?:forwarded(?:[-_.]|$)|real[-_.]ip$)/i

/** Adds the fields that tell the upstream of the client. */
export function addForwarded(headers: string[], request: IncomingRequest, how: ProxySettings['forwarded']): void {
  if (how === 'none') return
  if (how !== 'forwarded') addXForwarded(headers, request)
  if (how !== 'x-forwarded') headers.push('forwarded', forwarded(request))
}

/** Adds what a trusted proxy said besides, its port, prefix and the like. What we write ourselves was joined with its own. */
export function keepOtherForwarded(headers: string[], raw: readonly string[], how: ProxySettings['forwarded']): void {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (isForwardedName(name) && !/[_.]/.test(name) && !isWritten(name.toLowerCase(), how))
      headers.push(name, raw[i + 1] as string)
  }
}

function isWritten(name: string, how: ProxySettings['forwarded']): boolean {
  if (how === 'none') return false
  return name === 'forwarded' ? how !== 'x-forwarded' : how !== 'forwarded' && xWritten.has(name)
}

const xWritten: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'])

function addXForwarded(headers: string[], request: IncomingRequest): void {
  const { client, headers: received } = request
  const url = calledUrl(request)
  const before = client.viaTrustedProxy ? received.get('x-forwarded-for') : undefined
  const peer = client.peer === '' ? 'unknown' : client.peer
  headers.push('x-forwarded-for', before ? `${before}, ${peer}` : peer)
  headers.push('x-forwarded-proto', url.scheme)
  const host = (client.viaTrustedProxy ? received.get('x-forwarded-host') : undefined) ?? authority(url)
  if (host) headers.push('x-forwarded-host', host)
}

// RFC 7239 §4 and §6: an IPv6 address is bracketed and quoted, and so is a host with a port.
function forwarded(request: IncomingRequest): string {
  const { client, headers: received } = request
  const url = calledUrl(request)
  const node = client.peer.includes(':') ? `"[${client.peer}]"` : client.peer || 'unknown'
  const host = authority(url)
  const element = `for=${node};proto=${url.scheme}${host ? `;host=${/[:[]/.test(host) ? `"${host}"` : host}` : ''}`
  const before = client.viaTrustedProxy ? received.get('forwarded') : undefined
  return before ? `${before}, ${element}` : element
}

/** What the client called, whatever a layer has made of it since. */
export const calledUrl = (request: IncomingRequest): IncomingRequest['url'] => originalOf(request).url

/** `host:port` that the client called; empty when it named none. */
export function authority(url: IncomingRequest['url']): string {
  return url.port === undefined ? url.host : `${url.host}:${url.port}`
}
