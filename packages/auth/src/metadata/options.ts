import { type Checks, options } from '@gatelet/core'
import { isSafe } from '../jwt/options.ts'

/** What is told of a protected resource (RFC 9728 §2). What is left out is not told. */
export interface ProtectedResourceOptions {
  /**
   * What clients know the resource by, and ask tokens for (`resource`, RFC 8707): an https URL without query and fragment, written as URLs
   * are canonically. Told as it stands here; `http` only for this machine.
   */
  resource: string
  /** The issuers of its tokens: exactly what `jwt` is given as `issuer`. Each an https URL. */
  authorizationServers?: readonly string[]
  /** Scopes that can be asked for. */
  scopesSupported?: readonly string[]
  /** How a token may be sent. Verifiers look in the header alone: default `['header']`. Empty: not as a bearer token. */
  bearerMethods?: readonly ('header' | 'body' | 'query')[]
  /** Whether all of its tokens are bound to a certificate (RFC 8705). */
  certificateBound?: boolean
  /** Whether all of its tokens are bound to a key (RFC 9449): `bearer: false` beside `dpop`. */
  dpopRequired?: boolean
  /** Algorithms of DPoP proofs that are taken: `algorithms` of `dpop`. */
  dpopAlgorithms?: readonly string[]
  /** For people. */
  name?: string
  /** Where developers read on: an http or https URL. */
  documentation?: string
  /**
   * Other members, by the names of RFC 9728 and its registry: `resource_policy_uri`, `resource_name#de`, `signed_metadata`. None that an
   * option stands for.
   */
  more?: Readonly<Record<string, unknown>>
  /** How long what is told may be kept, in milliseconds, 0 to 604,800,000; whole seconds count. Default 3,600,000. */
  cacheMs?: number
}

const { anything, boolean, httpUrl, list, number, oneOf, optional, record, string, wrong } = options

/** The member for each option that is one. */
export const memberNames: Readonly<Record<Exclude<keyof ProtectedResourceOptions, 'more' | 'cacheMs'>, string>> = {
  resource: 'resource',
  authorizationServers: 'authorization_servers',
  scopesSupported: 'scopes_supported',
  bearerMethods: 'bearer_methods_supported',
  certificateBound: 'tls_client_certificate_bound_access_tokens',
  dpopRequired: 'dpop_bound_access_tokens_required',
  dpopAlgorithms: 'dpop_signing_alg_values_supported',
  name: 'resource_name',
  documentation: 'resource_documentation',
}

/** The checks of `ProtectedResourceOptions`. */
export const protectedResourceChecks: Checks<ProtectedResourceOptions> = {
  resource(value, path) {
    // First of all, so that no message shows a password.
    httpUrl(value, path)
    if (typeof value === 'string' && isSafe(value) && isPlain(value)) return value
    throw wrong(value, path, 'an https URL such as https://api.example.com/orders, canonical, without query and fragment')
  },
  // RFC 9728 §3.2: a list without elements is left out.
  authorizationServers: optional(list(issuer, { min: 1, max: 100 })),
  scopesSupported: optional(list(scopeName, { min: 1, max: 1_000 })),
  bearerMethods: optional(list(oneOf('header', 'body', 'query'), { max: 3 })),
  certificateBound: optional(boolean),
  dpopRequired: optional(boolean),
  dpopAlgorithms: optional(list(string, { min: 1, max: 100 })),
  name: optional(string),
  documentation: optional((value, path) => httpUrl(value, path).href),
  more: optional((value, path) => {
    const members = record(anything)(value, path)
    const taken = Object.keys(members).find((name) => Object.values(memberNames).includes(name))
    if (taken !== undefined) throw wrong(taken, path, 'an object with members for which there is no option')
    return members
  }),
  cacheMs: optional(number({ min: 0, max: 604_800_000, unit: 'ms' })),
}

// As two who compare it letter by letter would write it; and its path a path of a router, where `:` and `*` begin what is no text.
function isPlain(text: string): boolean {
  const { href, origin, pathname } = new URL(text)
  return (href === text || href === `${text}/`) && href === `${origin}${pathname}` && /^(\/[^/:*][^/]*)*\/?$/.test(pathname)
}

function issuer(value: unknown, path: string): string {
  httpUrl(value, path)
  if (typeof value === 'string' && isSafe(value)) return value
  throw wrong(value, path, 'an https URL')
}

function scopeName(value: unknown, path: string): string {
  // RFC 6749 §3.3.
  if (typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)) return value
  throw wrong(value, path, 'a name of printable ASCII without spaces, " and \\')
}
