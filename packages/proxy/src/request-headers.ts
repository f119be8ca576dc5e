import { type IncomingRequest, isHopByHop, isNamed } from '@gatelet/core'
import { addForwarded, authority, isForwardedName, keepOtherForwarded } from './forwarded.ts'
import type { ProxySettings } from './options.ts'
import { ownVia } from './via.ts'

/**
 * The header fields that the upstream gets: what the request has, less what concerned the client's connection or framed
 * its message, and ours after them.
 *
 * The fields that the client's `Connection` nominates were dropped at the edge, before any layer added its own: doing it
 * here would let a client strip what the layers assert.
 * @throws GatewayError `LOOP_DETECTED` when `Via` has our own name already
 */
export function upstreamHeaders(request: IncomingRequest, settings: ProxySettings): string[] {
  const { raw } = request.headers
  const headers: string[] = []
  let via = ''
  let cookieAt = -1
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    const length = name.length
    if (isHopByHop(name)) {
      if (length === 2 && acceptsTrailers(value)) headers.push('te', 'trailers')
      continue
    }
    if (isWrittenAnew(name) || isForwardedName(name)) continue
    if (length === 3 && isNamed(name, 'via')) {
      via = via === '' ? value : `${via}, ${value}`
      continue
    }
    if (length === 6 && isNamed(name, 'cookie')) {
      // HTTP/2 splits it for its own use (RFC 9113 §8.2.3); HTTP/1.1 has one.
      if (cookieAt >= 0) {
        headers[cookieAt] += `; ${value}`
        continue
      }
      cookieAt = headers.length + 1
    }
    headers.push(name, value)
  }
  if (settings.host !== 'upstream') addHost(headers, request, settings.host)
  if (settings.via !== undefined || via !== '') headers.push('via', ownVia(via, request.protocol, settings.via))
  addForwarded(headers, request, settings.forwarded)
  if (request.client.viaTrustedProxy) keepOtherForwarded(headers, raw, settings.forwarded)
  return headers
}

// By value: `Host` from the settings, the length from the body that is sent.
function isWrittenAnew(name: string): boolean {
  switch (name.length) {
    case 4:
      return isNamed(name, 'host')
    case 6:
      return isNamed(name, 'expect')
    case 14:
      return isNamed(name, 'content-length')
    default:
      return false
  }
}

function addHost(headers: string[], request: IncomingRequest, host: string): void {
  const name = host === 'preserve' ? authority(request.url) : host
  if (name !== '') headers.push('host', name)
}

// Of the hop-by-hop fields the one that an upstream needs to hear, most of all one that speaks gRPC.
const acceptsTrailers = (te: string): boolean => te.split(',').some((coding) => coding.trim().toLowerCase() === 'trailers')
