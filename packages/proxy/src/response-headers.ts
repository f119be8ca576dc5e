import { HeaderList, type IncomingRequest, isHopByHop, isNamed, withoutNominated } from '@gatelet/core'
import { authority } from './forwarded.ts'
import type { CookieMap, ProxySettings } from './options.ts'
import type { Upstream } from './upstreams.ts'

/**
 * The header fields that the client gets: what the upstream sent, less what concerned its connection, with our `Via`,
 * and with places and cookies made to fit where the client stands.
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
  if (cookies) {
    rewriteEach(headers, 'set-cookie', (cookie) => {
      const moved = cookies.domain ? withAttribute(cookie, 'domain', cookies.domain) : cookie
      return cookies.path ? withAttribute(moved, 'path', cookies.path) : moved
    })
  }
  return HeaderList.fromRaw(headers)
}

/** A flat list without the fields that concern one connection, those that its `Connection` nominates among them. */
export function withoutHopByHop(raw: string[]): string[] {
  const fields = withoutNominated(raw)
  const kept: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (!isHopByHop(name)) kept.push(name, fields[i + 1] as string)
  }
  return kept
}

function rewriteEach(headers: string[], lowerCase: string, change: (value: string) => string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (isNamed(headers[i] as string, lowerCase)) headers[i + 1] = change(headers[i + 1] as string)
  }
}

// A place at the upstream's own host and port becomes one at the client's; any other passes as it is.
function clientPlace(place: string, { url }: IncomingRequest, { origin, basePath }: Upstream): string {
  const called = authority(url)
  if (called === '') return place
  if (place.startsWith('/') && !place.startsWith('//')) return withoutBase(place, basePath)
  if (!URL.canParse(place)) return place
  const target = new URL(place)
  if (target.host !== origin.host || (target.protocol !== 'http:' && target.protocol !== 'https:')) return place
  return `${url.scheme}://${called}${withoutBase(target.pathname, basePath)}${target.search}${target.hash}`
}

function withoutBase(path: string, basePath: string): string {
  if (basePath === '' || !path.startsWith(basePath)) return path
  const rest = path.slice(basePath.length)
  return rest === '' || /^[?#]/.test(rest) ? `/${rest}` : rest.startsWith('/') ? rest : path
}

function withAttribute(cookie: string, attribute: 'domain' | 'path', map: CookieMap): string {
  return cookie
    .split(';')
    .map((part, at) => (at === 0 ? part : mapped(part, attribute, map)))
    .filter((part) => part !== undefined)
    .join(';')
}

function mapped(part: string, attribute: string, map: CookieMap): string | undefined {
  const [name = '', value = ''] = part.split('=', 2)
  if (name.trim().toLowerCase() !== attribute) return part
  const key = value.trim().replace(/^\./, '').toLowerCase()
  const next = Object.hasOwn(map, key) ? map[key] : map['*']
  if (next === undefined) return part
  return next === '' ? undefined : `${name}=${next}`
}

/**
 * Turns the buffers of undici's parser into text. They normally lie one behind the other in the chunk that was read:
 * then one call decodes them all.
 */
export function decoded(buffers: readonly Buffer[]): string[] {
  const first = buffers[0]
  const last = buffers[buffers.length - 1]
  if (!first || !last) return []
  const start = first.byteOffset
  const span = last.byteOffset + last.byteLength - start
  const texts: string[] = new Array(buffers.length)
  if (!liesInOrder(buffers) || span > MAX_BLOCK) {
    for (let i = 0; i < buffers.length; i++) texts[i] = (buffers[i] as Buffer).toString('latin1')
    return texts
  }
  const block = Buffer.from(first.buffer, start, span).toString('latin1')
  for (let i = 0; i < buffers.length; i++) {
    const buffer = buffers[i] as Buffer
    const from = buffer.byteOffset - start
    texts[i] = block.substring(from, from + buffer.byteLength)
  }
  return texts
}

const MAX_BLOCK = 65_536

function liesInOrder(buffers: readonly Buffer[]): boolean {
  const { buffer } = buffers[0] as Buffer
  let end = 0
  for (let i = 0; i < buffers.length; i++) {
    const each = buffers[i] as Buffer
    if (each.buffer !== buffer || each.byteOffset < end) return false
    end = each.byteOffset + each.byteLength
  }
  return true
}
