import { type Check, type Checks, options } from '@gatelet/core'

/** How the requests of one client stay at one endpoint. */
export interface AffinityOptions {
  /** The name of a cookie that says where the client's session is. One of `cookie` and `header`. */
  cookie?: string
  /** For clients that keep no cookies: a field of the reply, which the client sends back with each request. */
  header?: string
  /**
   * At least 16 characters, or a list of such; the same for all gateways that share clients. The first one makes names of endpoints,
   * all are understood: put a new one in front, and take the old one away when its sessions are over. At most 10.
   */
  secret: string | readonly string[]
  /**
   * `opaque`: a name for the endpoint that tells nothing of its address, and that nobody can make up. `signed`: with the time at
   * which the session began, so that `maxAgeS` holds whatever the client does. Default `opaque`.
   */
  mode?: 'opaque' | 'signed'
  /**
   * Where the endpoint may not be asked for a while (it is ejected, its checks fail, or it has just failed this very request):
   * `redistribute` begins a session elsewhere, `refuse` answers 503 until it is back. From an endpoint that was removed, or
   * whose `drain` is over, clients are always sent elsewhere: it does not come back. Default `redistribute`.
   */
  whileDown?: 'redistribute' | 'refuse'
  /** How long a session lasts, in seconds, from its beginning, 1 to 34,560,000 (400 days). Default: as long as the client keeps the cookie. */
  maxAgeS?: number
  /** Whether other sites' requests carry the cookie. `none` needs `secure`. Default `lax`. */
  sameSite?: 'strict' | 'lax' | 'none'
  /** Whether the cookie goes by https only. Default: when the client came by https. */
  secure?: boolean
  /** Whether scripts in pages cannot read the cookie. Default true. */
  httpOnly?: boolean
  /** Under which path clients send the cookie. Default `/`. */
  path?: string
}

/** `AffinityOptions` with every default filled in. */
export interface AffinityRules {
  readonly carrier: 'cookie' | 'header'
  readonly name: string
  readonly secrets: readonly string[]
  readonly isSigned: boolean
  readonly mayMove: boolean
  readonly maxAgeS: number | undefined
  readonly sameSite: 'Strict' | 'Lax' | 'None'
  readonly secure: boolean | undefined
  readonly httpOnly: boolean
  readonly path: string
}

const { boolean, list, number, oneOf, optional, shape, token, wrong } = options

const secret: Check<string> = (value, path) => {
  // The value itself must not come into a message.
  if (typeof value !== 'string' || value.length < 16) throw wrong(undefined, path, 'a secret of at least 16 characters')
  return value
}

// Not by `either`, which says what it got.
const secrets: Check<string | readonly string[]> = (value, path) =>
  Array.isArray(value) ? list(secret, { min: 1, max: 10 })(value, path) : secret(value, path)

const cookiePath: Check<string> = (value, path) => {
  if (typeof value !== 'string' || !/^\/[\x21-\x3a\x3c-\x7e]*$/.test(value)) throw wrong(value, path, 'a path such as /')
  return value
}

const checks: Checks<AffinityOptions> = {
  cookie: optional(token('session')),
  header: optional(token('x-session')),
  secret: secrets,
  mode: optional(oneOf('opaque', 'signed')),
  whileDown: optional(oneOf('redistribute', 'refuse')),
  maxAgeS: optional(number({ min: 1, max: 34_560_000, integer: true, unit: 'seconds' })),
  sameSite: optional(oneOf('strict', 'lax', 'none')),
  secure: optional(boolean),
  httpOnly: optional(boolean),
  path: optional(cookiePath),
}

/** What `affinity` must be. */
export const affinityCheck: Check<AffinityOptions> = (value, path) => {
  const checked = shape(checks)(value, path)
  const { cookie, header, sameSite, secure, path: under = '/' } = checked
  if ((cookie === undefined) === (header === undefined)) throw wrong(value, path, 'an object with either cookie or header')
  if (sameSite === 'none' && !secure) throw wrong(secure, `${path}.secure`, "true with sameSite 'none'")
  // RFC 6265bis §4.1.3: browsers drop such a cookie otherwise.
  if (/^__(Secure|Host)-/i.test(cookie ?? '') && !secure)
    throw wrong(secure, `${path}.secure`, `true for a cookie called ${cookie}`)
  if (/^__Host-/i.test(cookie ?? '') && under !== '/') throw wrong(under, `${path}.path`, `/ for a cookie called ${cookie}`)
  return checked
}

const sameSites = { strict: 'Strict', lax: 'Lax', none: 'None' } as const

export function affinityRules(given: AffinityOptions): AffinityRules {
  const { cookie, header, secret, mode = 'opaque', whileDown = 'redistribute', maxAgeS, sameSite = 'lax' } = given
  const { secure, httpOnly = true, path = '/' } = given
  return {
    carrier: cookie === undefined ? 'header' : 'cookie',
    name: cookie ?? header ?? '',
    secrets: typeof secret === 'string' ? [secret] : secret,
    isSigned: mode === 'signed',
    mayMove: whileDown === 'redistribute',
    maxAgeS,
    sameSite: sameSites[sameSite],
    secure,
    httpOnly,
    path,
  }
}
