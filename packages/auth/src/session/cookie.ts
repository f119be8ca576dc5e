import type { ReadonlyHeaders } from '@gatelet/core'

/** How the cookie of a session is set. */
export interface CookieRules {
  readonly name: string
  readonly sameSite: 'Strict' | 'Lax' | 'None'
  readonly secure: boolean
  readonly path: string
  readonly domain: string | undefined
}

/** What browsers keep of a cookie: its name and value together. */
export const MAX_COOKIE = 4_096

/**
 * The value of a cookie.
 * @returns null where it stands there more than once: a page of another part of the site may have set one of them
 */
export function cookieValue(headers: ReadonlyHeaders, name: string): string | null | undefined {
  const field = headers.get('cookie')
  if (field === undefined || !field.includes(name)) return undefined
  const values: string[] = []
  for (const pair of field.split(';')) {
    const equals = pair.indexOf('=')
    if (equals >= 0 && pair.slice(0, equals).trim() === name) values.push(pair.slice(equals + 1).trim())
  }
  return values.length > 1 ? null : values[0]
}

/** The value of `Set-Cookie` (RFC 6265bis §4.1). @param maxAgeS 0: the browser is to forget it */
export function setCookie({ name, sameSite, secure, path, domain }: CookieRules, value: string, maxAgeS: number): string {
  const where = `; Path=${path}${domain === undefined ? '' : `; Domain=${domain}`}`
  return `${name}=${value}; Max-Age=${maxAgeS}${where}; HttpOnly${secure ? '; Secure' : ''}; SameSite=${sameSite}`
}
