import type { CookieMap } from './options.ts'

/** A `Set-Cookie` with its `Domain` and `Path` changed as the maps say. */
export function movedCookie(cookie: string, maps: { readonly domain?: CookieMap; readonly path?: CookieMap }): string {
  const moved = maps.domain ? withAttribute(cookie, 'domain', maps.domain) : cookie
  return maps.path ? withAttribute(moved, 'path', maps.path) : moved
}

/** The keys of a map as they are looked up: the case and a leading dot do not tell domains apart (RFC 6265 §5.2.3). */
export function normalizedMap(map: CookieMap): CookieMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [normalized(key), value]))
}

const normalized = (value: string) => value.trim().replace(/^\./, '').toLowerCase()

function withAttribute(cookie: string, attribute: 'domain' | 'path', map: CookieMap): string {
  return cookie
    .split(';')
    .map((part, at) => (at === 0 ? part : changed(part, attribute, map)))
    .filter((part) => part !== undefined)
    .join(';')
}

function changed(part: string, attribute: string, map: CookieMap): string | undefined {
  const equals = part.indexOf('=')
  const name = equals < 0 ? part : part.slice(0, equals)
  if (name.trim().toLowerCase() !== attribute) return part
  const key = equals < 0 ? '' : normalized(part.slice(equals + 1))
  const next = Object.hasOwn(map, key) ? map[key] : map['*']
  if (next === undefined) return part
  return next === '' ? undefined : `${name}=${next}`
}
