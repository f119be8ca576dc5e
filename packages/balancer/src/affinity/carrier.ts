import type { Context } from '@gatelet/core'
import type { AffinityRules } from './options.ts'

/** Fields of a reply. */
export type ReplyHeaders = readonly [name: string, value: string][]

/**
 * So many cookies of the same name are looked at: a client has them for several paths, but each that it makes up costs a
 * signature or more.
 */
const MAX_TOKENS = 5

/** The tokens in a request. */
export function tokensIn({ request }: Context, { carrier, name }: AffinityRules): readonly string[] {
  if (carrier === 'header') return present(request.headers.get(name)?.trim())
  const cookies = request.headers.get('cookie') ?? ''
  if (!cookies.includes(name)) return []
  const tokens = cookies.split(';').flatMap((cookie) => {
    const equals = cookie.indexOf('=')
    return cookie.slice(0, equals).trim() === name ? present(cookie.slice(equals + 1).trim()) : []
  })
  return tokens.slice(0, MAX_TOKENS)
}

const present = (text: string | undefined): readonly string[] => (text ? [text] : [])

/** What begins a session at the client. */
export function beginning(token: string, { request }: Context, rules: AffinityRules): ReplyHeaders {
  const { carrier, name, maxAgeS, secure = request.url.scheme === 'https' } = rules
  if (carrier === 'header') return [[name, token], notShared]
  return [
    ['set-cookie', `${name}=${token}${attributes(rules, secure)}${maxAgeS === undefined ? '' : `; Max-Age=${maxAgeS}`}`],
    notShared,
  ]
}

const attributes = ({ path, sameSite, httpOnly }: AffinityRules, secure: boolean): string =>
  `; Path=${path}${httpOnly ? '; HttpOnly' : ''}${secure ? '; Secure' : ''}; SameSite=${sameSite}`

// A cache in front of us that hands this reply to everybody would send them all to one endpoint.
const notShared: [string, string] = ['cache-control', 'private']
