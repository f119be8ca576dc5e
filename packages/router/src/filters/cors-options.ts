import { type Check, type Checks, type Context, type MaybePromise, options } from '@gatelet/core'
import { originPattern } from './cors-origins.ts'

/** Decides for one origin. It is not asked for requests without an origin, nor for the origin `null`. */
export type AllowOrigin<S extends object = {}> = (origin: string, ctx: Context<S>) => MaybePromise<boolean>

/** Which pages of other origins may read what is answered. */
export interface CorsOptions<S extends object = {}> {
  /**
   * The origins of the pages: `https://app.example.com`; `https://*.example.com` for all hosts below it, however deep; `*` for
   * all. The port counts. One, a list of at most 1,000, or a function that decides.
   */
  allowOrigins: string | readonly string[] | AllowOrigin<S>
  /** Methods that they may use beside `GET`, `HEAD` and `POST`, which need no leave. `*`: any. At most 100. Default: none. */
  allowMethods?: readonly string[]
  /** Header fields that they may send. `*`: any, `Authorization` too. At most 100. Default: those that any page may send. */
  allowHeaders?: readonly string[]
  /** Header fields of replies that they may read. `*`: all. At most 100. Default: those that any page may read. */
  exposeHeaders?: readonly string[]
  /**
   * Whether they may send the user's cookies and certificates, and so act as the user. Not for origins that anybody can
   * have (`*`, `https://*`, `null`). Default false.
   */
  allowCredentials?: boolean
  /** For how long browsers need not ask again, in seconds, 0 to 86,400; browsers have bounds of their own. Default: theirs, 5. */
  maxAgeS?: number
  /** Whether pages of the internet may reach us in a private network. Not for origins that anybody can have. Default false. */
  allowPrivateNetwork?: boolean
  /** Whether preflights go on to `next`, and its answer gets the header fields, instead of being answered here. Default false. */
  passPreflights?: boolean
  /**
   * Whether requests from other origins are answered 403, WebSocket handshakes too, which browsers do not hold to CORS. Those
   * without an origin, or from our own, are not meant. Default false: they go on, and the browser keeps the answer from the page.
   */
  refuseOthers?: boolean
}

const { boolean, list, number, optional, token, wrong } = options

const origins: Check<CorsOptions['allowOrigins']> = (value, path) => {
  if (typeof value === 'function') return value as AllowOrigin
  if (Array.isArray(value)) return list(originPattern, { min: 1, max: 1_000 })(value, path)
  return originPattern(value, path)
}

const method: Check<string> = (value, path) => {
  const named = token('PATCH')(value, path)
  // Names of methods are told apart by case, and browsers change that of some only.
  if (named !== named.toUpperCase()) throw wrong(value, path, 'a method in upper case, such as PATCH')
  return named
}

const names = list(token('x-request-id'), { max: 100 })

/** What each option must be. */
export const corsChecks: Checks<CorsOptions> = {
  allowOrigins: origins,
  allowMethods: optional(list(method, { max: 100 })),
  allowHeaders: optional(names),
  exposeHeaders: optional(names),
  allowCredentials: optional(boolean),
  maxAgeS: optional(number({ min: 0, max: 86_400, integer: true, unit: 'seconds' })),
  allowPrivateNetwork: optional(boolean),
  passPreflights: optional(boolean),
  refuseOthers: optional(boolean),
}
