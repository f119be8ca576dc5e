import type { IncomingRequest } from '@gatelet/core'
import { authority, calledUrl } from './forwarded.ts'
import type { Upstream } from './upstreams.ts'

/**
 * A place at the upstream's own host and port becomes one at the client's; any other passes as it is. Its own is also the name
 * that a layer gave it in the place of the one that the client called.
 */
export function clientPlace(place: string, request: IncomingRequest, { host, basePath }: Upstream): string {
  const url = calledUrl(request)
  const called = authority(url)
  if (called === '') return place
  const own = `${url.scheme}://${called}`
  if (place.startsWith('/') && !startsHost.test(place)) {
    const path = withoutBase(place, basePath)
    // What is left when the base is gone must not become the name of another host.
    return startsHost.test(path) ? own + path : path
  }
  if (!URL.canParse(place)) return place
  const target = new URL(place)
  const asked = authority(request.url)
  if (target.host !== host && (asked === called || target.host !== asked)) return place
  if (target.protocol !== 'http:' && target.protocol !== 'https:') return place
  return `${own}${withoutBase(target.pathname, basePath)}${target.search}${target.hash}`
}

// Browsers read a backslash as a slash.
const startsHost = /^\/[/\\]/

function withoutBase(path: string, basePath: string): string {
  if (basePath === '' || !path.startsWith(basePath)) return path
  const rest = path.slice(basePath.length)
  return rest === '' || /^[?#]/.test(rest) ? `/${rest}` : rest.startsWith('/') ? rest : path
}
