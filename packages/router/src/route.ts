import { type Check, type Checks, options } from '@gatelet/core'
import { type HostPattern, hostPattern } from './host.ts'
import { type Pattern, pattern } from './pattern.ts'

/** Which requests a route takes. */
export interface RouteOptions<P extends string = string> {
  /** One method or several, in capitals (RFC 9110 §9.1: names are case-sensitive). Left out: every method. `GET` takes `HEAD` too. */
  method?: string | readonly string[]
  /** `api.example.com`, or `*.example.com` for every host below it. Left out: every host. Case and port play no part. */
  host?: string
  /** For example `/users/:id` or `/files/*rest`. */
  path: P
}

/** A route, and what is found when it matches. */
export interface RouteSpec<D> extends RouteOptions {
  data: D
}

/** Which requests a route takes, checked and taken apart. */
export interface Where {
  readonly method?: readonly string[]
  readonly host?: HostPattern
  readonly path: Pattern
}

export interface Route<D> extends Where {
  readonly data: D
}

const methodName: Check<string> = (value, path) => {
  if (typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(value)) return value
  throw options.wrong(value, path, 'a method in capitals, such as GET')
}

const methods: Check<readonly string[]> = (value, path) =>
  Array.isArray(value) ? options.list(methodName, { min: 1 })(value, path) : [methodName(value, path)]

/** The checks of `RouteOptions`. */
export const whereChecks: Checks<Where> = {
  method: options.optional(methods),
  host: options.optional(hostPattern),
  path: pattern,
}
