import { amended, type Checks, checkOptions, type HeaderList, type Middleware, options, type Reply } from '@gatelet/core'
import { fieldName } from './field-name.ts'

/** What browsers are told of `Strict-Transport-Security` (RFC 6797). */
export interface HstsOptions {
  /** For how long the host is asked by https only, in seconds, 0 to 63,072,000 (two years); 0 takes it back. Default 31,536,000 (a year). */
  maxAgeS?: number
  /** Whether every host below it, too. Default false. */
  includeSubDomains?: boolean
  /** Asks for a place in the lists of browsers, from which it is hard to get away. Default false. */
  preload?: boolean
}

// Without a spread: the types of the package are made file by file.
const referrerPolicies = [
  'no-referrer',
  'no-referrer-when-downgrade',
  'origin',
  'origin-when-cross-origin',
  'same-origin',
  'strict-origin',
  'strict-origin-when-cross-origin',
  'unsafe-url',
] as const

/** What browsers are told besides. Each is left out by false. */
export interface SecurityHeadersOptions {
  /** `Strict-Transport-Security`, only where the request came by https (RFC 6797 §7.2). Default: a year, this host alone. */
  hsts?: HstsOptions | false
  /** `X-Content-Type-Options: nosniff`: the type that is said is the type that counts. Default true. */
  noSniff?: boolean
  /** `X-Frame-Options`: who may show it inside of a page. Default `DENY`. */
  frameOptions?: 'DENY' | 'SAMEORIGIN' | false
  /** `Referrer-Policy`. Default `no-referrer`. */
  referrerPolicy?: (typeof referrerPolicies)[number] | false
  /**
   * `Content-Security-Policy`; for an API that serves no pages, `default-src 'none'; frame-ancestors 'none'`. Default false, since
   * pages know best what they need.
   */
  contentSecurityPolicy?: string | false
  /** Names of fields to take away, since they tell what runs here. Default `server` and `x-powered-by`. */
  remove?: readonly string[] | false
  /** Whether it takes the place of what handlers have set. Default false. */
  override?: boolean
}

/**
 * Adds the header fields that make browsers careful, with values for an API, to every reply, of errors and agreed handshakes
 * too, and takes away those that tell too much. Place it in front of the router.
 * @throws GatewayError `BAD_OPTION` at once
 */
export function securityHeaders(given: SecurityHeadersOptions = {}): Middleware {
  const settings = checkOptions<SecurityHeadersOptions>('securityHeaders', given, checks)
  const { override = false, remove = ['server', 'x-powered-by'] } = settings
  const open = fieldsOf(settings)
  const hsts = hstsOf(settings.hsts ?? {})
  const secure = hsts === undefined ? open : [...open, ['strict-transport-security', hsts] as const]
  return function securityHeaders(ctx, next) {
    const fields = ctx.request.url.scheme === 'https' ? secure : open
    return amended(ctx, next, ({ headers }: Reply) => {
      for (const name of remove || []) headers.delete(name)
      add(fields, headers, override)
    })
  }
}

type Fields = readonly (readonly [name: string, value: string])[]

function add(fields: Fields, headers: HeaderList, override: boolean): void {
  for (const [name, value] of fields) if (override || !headers.has(name)) headers.set(name, value)
}

function fieldsOf(settings: SecurityHeadersOptions): Fields {
  const { noSniff = true, frameOptions = 'DENY', referrerPolicy = 'no-referrer', contentSecurityPolicy = false } = settings
  const all: (readonly [name: string, value: string | false])[] = [
    ['x-content-type-options', noSniff && 'nosniff'],
    ['x-frame-options', frameOptions],
    ['referrer-policy', referrerPolicy],
    ['content-security-policy', contentSecurityPolicy],
  ]
  return all.filter((field): field is readonly [string, string] => field[1] !== false)
}

function hstsOf(hsts: HstsOptions | false): string | undefined {
  if (!hsts) return undefined
  const { maxAgeS = 31_536_000, includeSubDomains = false, preload = false } = hsts
  return `max-age=${maxAgeS}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`
}

const { boolean, either, list, number, oneOf, optional, shape, wrong } = options
const off = oneOf(false)

const hstsChecks: Checks<HstsOptions> = {
  maxAgeS: optional(number({ min: 0, max: 63_072_000, integer: true, unit: 'seconds' })),
  includeSubDomains: optional(boolean),
  preload: optional(boolean),
}

const checks: Checks<SecurityHeadersOptions> = {
  hsts: optional(either('an object, or false', off, shape(hstsChecks))),
  noSniff: optional(boolean),
  frameOptions: optional(oneOf('DENY', 'SAMEORIGIN', false)),
  referrerPolicy: optional(oneOf(...referrerPolicies, false)),
  contentSecurityPolicy: optional((value, path) => {
    if (value === false || (typeof value === 'string' && /^[\x20-\x7e]+$/.test(value))) return value
    throw wrong(value, path, 'a policy in ASCII, or false')
  }),
  remove: optional(either('a list of names of fields, or false', off, list(fieldName()))),
  override: optional(boolean),
}
