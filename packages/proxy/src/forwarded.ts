import type { IncomingRequest } from '@gatelet/core'
import type { ProxySettings } from './options.ts'

/** Names by which proxies tell whom they ask for. Believed, and so passed on, only when a trusted proxy wrote them. */
export function isForwardedName(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20
  if (first === 0x66 /* f */) return name.length === 9 && name.toLowerCase() === 'forwarded'
  if (first !== 0x78 /* x */) return false
  const lower = name.toLowerCase()
  return lower.startsWith('x-forwarded-') || lower === 'x-real-ip'
}

/** Adds the fields that tell the upstream of the client. */
export function addForwarded(headers: string[], request: IncomingRequest, how: ProxySettings['forwarded']): void {
  if (how === 'none') return
  if (how !== 'forwarded') addXForwarded(headers, request)
  if (how !== 'x-forwarded') headers.push('forwarded', forwarded(request))
}

function addXForwarded(headers: string[], { client, url, headers: received }: IncomingRequest): void {
  const before = client.viaTrustedProxy ? received.get('x-forwarded-for') : undefined
  headers.push('x-forwarded-for', before ? `${before}, ${client.peer}` : client.peer)
  headers.push('x-forwarded-proto', url.scheme)
  const host = (client.viaTrustedProxy ? received.get('x-forwarded-host') : undefined) ?? authority(url)
  if (host) headers.push('x-forwarded-host', host)
}

// RFC 7239 §4 and §6: an IPv6 address is bracketed and quoted, and so is a host with a port.
function forwarded({ client, url, headers: received }: IncomingRequest): string {
  const node = client.peer.includes(':') ? `"[${client.peer}]"` : client.peer
  const host = authority(url)
  const element = `for=${node};proto=${url.scheme}${host ? `;host=${/[:[]/.test(host) ? `"${host}"` : host}` : ''}`
  const before = client.viaTrustedProxy ? received.get('forwarded') : undefined
  return before ? `${before}, ${element}` : element
}

/** `host:port` that the client called; empty when it named none. */
export function authority(url: IncomingRequest['url']): string {
  return url.port === undefined ? url.host : `${url.host}:${url.port}`
}
