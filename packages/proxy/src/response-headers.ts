import { GatewayError, HeaderList, type IncomingRequest, isHopByHop, isNamed, withoutNominated } from '@gatelet/core'
import { clientPlace } from './location.ts'
import type { ProxySettings } from './options.ts'
import { movedCookie } from './set-cookie.ts'
import type { Upstream } from './upstreams.ts'

/**
 * The header fields that the client gets: what the upstream sent, less what concerned its connection, with our `Via`,
 * and with places and cookies made to fit where the client stands.
 * @throws GatewayError `UPSTREAM_BAD_RESPONSE` for a body in a coding that we would have to undo
 */
export function replyHeaders(
  raw: string[],
  status: number,
  request: IncomingRequest,
  upstream: Upstream,
  settings: ProxySettings,
): HeaderList {
  const headers = withoutHopByHop(raw)
  if (settings.via !== undefined) headers.push('via', `1.1 ${settings.via}`)
  if (settings.rewriteLocation && (status === 201 || (status >= 300 && status < 400))) {
    rewriteEach(headers, 'location', (place) => clientPlace(place, request, upstream))
  }
  const { cookies } = settings
  if (cookies) rewriteEach(headers, 'set-cookie', (cookie) => movedCookie(cookie, cookies))
  return HeaderList.fromRaw(headers)
}

// As many as a client may send. undici counts their bytes alone, without what stands between them.
const MAX_FIELDS = 1_000

/**
 * A flat list without the fields that concern one connection, those that its `Connection` nominates among them.
 * @throws GatewayError `UPSTREAM_BAD_RESPONSE` for a transfer coding other than chunked: its name goes, so the body would be
 * something else than it says; for more than 1,000 fields
 */
export function withoutHopByHop(raw: string[]): string[] {
  if (raw.length > MAX_FIELDS * 2)
    throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: `the upstream sent ${raw.length / 2} header fields` })
  const fields = withoutNominated(raw)
  const kept: string[] = []
  let coding: string | undefined
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (!isHopByHop(name)) kept.push(name, fields[i + 1] as string)
    else if (name.length === 17) coding = coding === undefined ? fields[i + 1] : `${coding}, ${fields[i + 1]}`
  }
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
    throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: `the upstream sent its body in the coding ${coding}` })
  return kept
}

/**
 * The trailers that the client gets; undefined for none.
 * @throws GatewayError `UPSTREAM_BAD_RESPONSE` where they frame a message: the parser would take it for the next one's
 */
export function replyTrailers(raw: string[]): HeaderList | undefined {
  if (raw.length === 0) return undefined
  if (raw.some((name, at) => at % 2 === 0 && isNamed(name, 'transfer-encoding')))
    throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'the upstream sent a Transfer-Encoding behind the body' })
  return HeaderList.fromRaw(withoutHopByHop(raw))
}

function rewriteEach(headers: string[], lowerCase: string, change: (value: string) => string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (isNamed(headers[i] as string, lowerCase)) headers[i + 1] = change(headers[i + 1] as string)
  }
}
