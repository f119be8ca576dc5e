import type { HeaderList, RequestUrl } from '@gatelet/core'

/**
 * Moves the places that a reply names under the mount that its layer stands behind: what came as `/m/login` was `/login` to
 * it, so its `Location: /home` is `/m/home` to the client. Places elsewhere stay.
 * @param mount without a slash behind
 */
export function moveUnder(mount: string, headers: HeaderList, url: RequestUrl): void {
  for (const name of ['location', 'content-location']) {
    const place = headers.get(name)
    if (place !== undefined) headers.set(name, placeUnder(mount, place, url))
  }
  const cookies = headers.getSetCookie()
  if (cookies.length === 0) return
  headers.delete('set-cookie')
  for (const cookie of cookies) headers.append('set-cookie', cookieUnder(mount, cookie))
}

function placeUnder(mount: string, place: string, { scheme, host, port }: RequestUrl): string {
  // A second slash, or a backslash, which browsers read as one, begins the name of another host.
  if (/^\/(?![/\\])/.test(place)) return mount + place
  const own = `${scheme}://${host}${port === undefined ? '' : `:${port}`}`
  const isOwn = host !== '' && place.startsWith(own) && /^([/?#]|$)/.test(place.slice(own.length))
  return isOwn ? own + mount + place.slice(own.length) : place
}

function cookieUnder(mount: string, cookie: string): string {
  return cookie.replace(/(;\s*path\s*=\s*)(\/[^;]*)/i, (_, before: string, path: string) => {
    const rest = path.trim()
    return `${before}${mount}${rest === '/' ? '' : rest}`
  })
}
