import { type Check, type Checks, type Clock, type Context, type Handler, options } from '@gatelet/core'

/** What a split adds to the state of the backend that it chose. */
export interface SplitState {
  /** The name of the backend. */
  readonly variant: string
}

/** One of those among which the traffic is split. */
export interface SplitBackend<S extends object = {}> {
  /** What it is called in the state, in events and in rules. Default: its place, from `0` on. Sticky keys stay with the name. */
  name?: string
  /** Its share relative to the others', 0 to 1,000,000. 0: no share, though rules may still lead there. Default 1. */
  weight?: number
  /** What answers. Undefined: there is none, though there should be, and its share is answered 500 (Gateway API, `backendRefs`). */
  to: Handler<S & SplitState> | undefined
}

/** A header field or a cookie that leads to one backend. Anybody may send it. */
export interface SplitRule {
  /** The name of the header field. One of `header` and `cookie`. */
  header?: string
  /** The name of the cookie. */
  cookie?: string
  /** What its value must be. Default: any that is not empty. */
  value?: string
  /** The name of the backend. */
  to: string
}

/** A cookie that keeps a client at its backend. It holds one of a million numbers, which tells neither who nor where it is. */
export interface SplitCookie {
  /** Its name. */
  cookie: string
  /** At least 16 characters, for a signature: then nobody can choose a number. Default: none, and the number is believed. */
  secret?: string
  /** For how long, in seconds, 1 to 34,560,000 (400 days). Default: as long as the client keeps it. */
  maxAgeS?: number
  /** Whether other sites' requests carry it. `none` needs https. Default `lax`. */
  sameSite?: 'strict' | 'lax' | 'none'
  /** Whether it goes by https only. Default: when the client came by https. */
  secure?: boolean
  /** Under which path clients send it. Default `/`. */
  path?: string
}

/** How a split chooses. */
export interface SplitOptions<S extends object = {}> {
  /** Looked at first, in their order; at most 100. */
  when?: readonly SplitRule[]
  /**
   * What keeps requests together: a key, of which equal ones go to the same backend and undefined goes by chance, or a cookie.
   * When weights change, no more of them move than have to. Default: each request goes by chance.
   */
  stickyBy?: ((ctx: Context<S>) => string | undefined) | SplitCookie
  /** For events. */
  name?: string
  /** Where chance comes from. */
  clock?: Clock
}

const { clock, fn, list, number, oneOf, optional, shape, string, token, wrong } = options

/** What a weight must be. */
export const weightCheck: Check<number> = number({ min: 0, max: 1_000_000 })

const variant: Check<string> = (value, path) => {
  const named = token('canary')(value, path)
  // Weights are told by name, and objects have some of these.
  if (named in {}) throw wrong(value, path, 'a name such as canary')
  return named
}

const backend = shape<SplitBackend>({
  name: optional(variant),
  weight: optional(weightCheck),
  to: optional(fn<Handler>('a handler (ctx) => Reply, or undefined for one that is missing')),
})

const rule: Check<SplitRule> = (value, path) => {
  const checked = shape<SplitRule>({
    header: optional(token('x-canary')),
    cookie: optional(token('canary')),
    value: optional(string),
    to: string,
  })(value, path)
  if ((checked.header === undefined) === (checked.cookie === undefined))
    throw wrong(value, path, 'an object with either header or cookie')
  return checked
}

const secret: Check<string> = (value, path) => {
  // The value itself must not come into a message.
  if (typeof value !== 'string' || value.length < 16) throw wrong(undefined, path, 'a secret of at least 16 characters')
  return value
}

const cookiePath: Check<string> = (value, path) => {
  if (typeof value !== 'string' || !/^\/[\x21-\x3a\x3c-\x7e]*$/.test(value)) throw wrong(value, path, 'a path such as /')
  return value
}

const cookie: Check<SplitCookie> = (value, path) => {
  const checked = shape<SplitCookie>({
    cookie: token('variant'),
    secret: optional(secret),
    maxAgeS: optional(number({ min: 1, max: 34_560_000, integer: true, unit: 'seconds' })),
    sameSite: optional(oneOf('strict', 'lax', 'none')),
    secure: optional(options.boolean),
    path: optional(cookiePath),
  })(value, path)
  // Browsers drop it otherwise (RFC 6265bis §4.1.3, §5.6).
  const { cookie: name, sameSite, secure, path: under = '/' } = checked
  if (sameSite === 'none' && !secure) throw wrong(secure, `${path}.secure`, "true with sameSite 'none'")
  if (/^__(Secure|Host)-/i.test(name) && !secure) throw wrong(secure, `${path}.secure`, `true for a cookie called ${name}`)
  if (/^__Host-/i.test(name) && under !== '/') throw wrong(under, `${path}.path`, `/ for a cookie called ${name}`)
  return checked
}

/** What `split` takes, as one. */
export interface SplitSettings extends SplitOptions {
  readonly backends: readonly SplitBackend[]
}

/** What each option must be. */
export const splitChecks: Checks<SplitSettings> = {
  backends: list(backend, { min: 1, max: 1_000 }),
  when: optional(list(rule, { max: 100 })),
  stickyBy: optional((value, path) => (typeof value === 'function' ? (value as () => string | undefined) : cookie(value, path))),
  name: optional(string),
  clock: optional(clock),
}
