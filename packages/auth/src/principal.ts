import { atOnce, GatewayError } from '@gatelet/core'

/** Claims of which nothing is known but their names. */
export type Claims = Readonly<Record<string, unknown>>

/** Who a credential proved the caller to be. */
export interface Principal<C extends object = Claims> {
  /** Unique within `issuer`: a user, a client, the id of an API key. */
  readonly subject: string
  /** How it was proved, as the verifier calls it: `bearer`, `dpop`, `api-key`, `basic`, `signature`, `certificate`, `session`. */
  readonly scheme: string
  /** Who vouches for the subject; undefined where that is this service itself. */
  readonly issuer?: string | undefined
  readonly scopes: ReadonlySet<string>
  readonly roles: ReadonlySet<string>
  /** What else the credential says, as it was checked. */
  readonly claims: Readonly<C>
  /** When it ends, in milliseconds since 1970; undefined when it does not end by itself. A connection that lives longer is to be closed then. */
  readonly expiresAt?: number | undefined
}

/** What a verifier knows of a principal; the rest is empty. Of scopes and roles a text is one. */
export interface PrincipalInit<C extends object = Claims> {
  subject: string
  scheme: string
  issuer?: string | undefined
  scopes?: Iterable<string>
  roles?: Iterable<string>
  claims?: Readonly<C>
  expiresAt?: number | undefined
}

/**
 * A principal of what is known of it.
 * @throws GatewayError `BAD_OPTION` without a subject: whoever has none would pass for all others who have none
 */
export function principalOf<C extends object = Claims>(init: PrincipalInit<C>): Principal<C> {
  const { subject, scheme, issuer, scopes = [], roles = [], claims = {} as C, expiresAt } = init
  if (typeof subject !== 'string' || subject === '') {
    throw new GatewayError('BAD_OPTION', { message: `${scheme}: a principal must have a subject, which is a text` })
  }
  return Object.freeze({
    subject,
    scheme,
    issuer,
    scopes: namesOf(scopes, 'scopes'),
    roles: namesOf(roles, 'roles'),
    claims,
    expiresAt,
  })
}

// A text is a list, too: of its letters.
const namesOf = (names: Iterable<string>, what: string): ReadonlySet<string> =>
  new Set(typeof names === 'string' ? [names] : atOnce(names, what))
