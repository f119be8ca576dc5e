import { GatewayError, isToken } from '@gatelet/core'

/** One challenge of `WWW-Authenticate` (RFC 9110 §11.3). */
export interface Challenge {
  /** `Bearer`, `Basic`, `DPoP`. */
  readonly scheme: string
  /** In this order. Values are written as quoted strings. */
  readonly params: Readonly<Record<string, string>>
}

/**
 * A challenge as text. RFC 6750 §3 wants a parameter behind `Bearer`: give a realm.
 * @throws GatewayError `BAD_HEADER` for a name that is not a token, or a value with control characters
 */
export function challengeText({ scheme, params }: Challenge): string {
  const written = Object.entries(params).map(([name, value]) => `${token(name)}=${quoted(value)}`)
  return written.length > 0 ? `${token(scheme)} ${written.join(', ')}` : token(scheme)
}

/** The same challenge, with more parameters or others. */
export function challengeWith({ scheme, params }: Challenge, more: Readonly<Record<string, string>>): Challenge {
  return { scheme, params: { ...params, ...more } }
}

function token(name: string): string {
  if (isToken(name)) return name
  throw new GatewayError('BAD_HEADER', { message: `WWW-Authenticate: ${JSON.stringify(name)} is not a token` })
}

// RFC 9110 §5.6.4. What is beyond ASCII has no agreed meaning there.
function quoted(value: string): string {
  if (!/^[\t\x20-\x7e]*$/.test(value)) {
    throw new GatewayError('BAD_HEADER', { message: 'WWW-Authenticate: a parameter has characters that a header cannot carry' })
  }
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`
}
