import type { RequestUrl } from '@gatelet/core'
import { authority } from './forwarded.ts'
import type { Upstream } from './upstreams.ts'

/** A place at the upstream's own host and port becomes one at the client's; any other passes as it is. */
export function clientPlace(place: string, url: RequestUrl, { host, basePath }: Upstream): string {
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
  if (target.host !== host || (target.protocol !== 'http:' && target.protocol !== 'https:')) return place
  return `${own}${withoutBase(target.pathname, basePath)}${target.search}${target.hash}`
}

// Browsers read a backslash as a slash.
const startsHost = /^\/[/\\]/

function withoutBase(path: string, basePath: string): string {
  if (basePath === '' || !path.startsWith(basePath)) return path
  const rest = path.slice(basePath.length)
  return rest === '' || /^[?#]/.test(rest) ? `/${rest}` : rest.startsWith('/') ? rest : path
}
