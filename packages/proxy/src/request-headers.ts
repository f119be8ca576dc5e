import { GatewayError, type IncomingRequest, isHopByHop, isNamed } from '@gatelet/core'
import { addForwarded, authority, isForwardedName } from './forwarded.ts'
import type { ProxySettings } from './options.ts'

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
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const length = name.length
    if (isHopByHop(name)) {
      if (length === 2 && acceptsTrailers(raw[i + 1] as string)) headers.push('te', 'trailers')
      continue
    }
    if (isForwardedName(name)) continue
    if (length === 3 && isNamed(name, 'via')) {
      via = via === '' ? (raw[i + 1] as string) : `${via}, ${raw[i + 1]}`
      continue
    }
    // Written anew by value: `Host` from the settings, the length from the body that is sent.
    if (length === 4 && isNamed(name, 'host')) continue
    if (length === 6 && isNamed(name, 'expect')) continue
    if (length === 14 && isNamed(name, 'content-length')) continue
    headers.push(name, raw[i + 1] as string)
  }
  if (settings.host !== 'upstream') addHost(headers, request, settings.host)
  if (settings.via !== undefined || via !== '') headers.push('via', ownVia(via, request.protocol, settings.via))
  addForwarded(headers, request, settings.forwarded)
  if (request.client.viaTrustedProxy) keepOtherForwarded(headers, raw, settings.forwarded)
  return headers
}

function addHost(headers: string[], request: IncomingRequest, host: string): void {
  const name = host === 'preserve' ? authority(request.url) : host
  if (name !== '') headers.push('host', name)
}

function ownVia(before: string, protocol: IncomingRequest['protocol'], name: string | undefined): string {
  if (name === undefined) return before
  if (before !== '' && names(before).includes(name.toLowerCase())) throw new GatewayError('LOOP_DETECTED')
  const own = `${protocol === '2' ? '2.0' : protocol} ${name}`
  return before === '' ? own : `${before}, ${own}`
}

// Each element of `Via` is a protocol, a name and perhaps a comment.
const names = (via: string): string[] => via.split(',').map((element) => element.trim().split(/\s+/)[1]?.toLowerCase() ?? '')

// Of the hop-by-hop fields the one that an upstream needs to hear, most of all one that speaks gRPC.
const acceptsTrailers = (te: string): boolean => te.split(',').some((coding) => coding.trim().toLowerCase() === 'trailers')

// A trusted proxy's port, prefix and the like pass on; those that we write ourselves were joined with its own.
function keepOtherForwarded(headers: string[], raw: readonly string[], how: ProxySettings['forwarded']): void {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (!isForwardedName(name)) continue
    const lower = name.toLowerCase()
    const isOurs =
      lower === 'forwarded' ? how === 'forwarded' || how === 'both' : how !== 'forwarded' && how !== 'none' && written.has(lower)
    if (!isOurs) headers.push(name, raw[i + 1] as string)
  }
}

const written: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'])
