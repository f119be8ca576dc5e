import { type FetchRules, fetchJson } from './fetch-json.ts'

/** What an issuer tells of itself, checked. */
export interface IssuerMetadata {
  readonly jwksUri: URL
  readonly introspectionEndpoint: URL | undefined
}

/**
 * Asks an issuer where its keys are: OpenID Connect Discovery 1.0 §4, then RFC 8414 §3 for those that are authorisation
 * servers only.
 * @throws Error where neither is there, where it says that it is somebody else (RFC 8414 §3.3), or where its keys lie
 * at an address that is less safe than its own
 */
export async function discovered(issuer: string, rules: FetchRules): Promise<IssuerMetadata> {
  const first = await metadata(openid(issuer), rules).catch((error: unknown) => error as Error)
  const found =
    first instanceof Error ? await metadata(authorizationServer(issuer), rules).catch(() => Promise.reject(first)) : first
  if (found['issuer'] !== issuer) throw new Error(`${issuer} calls itself ${JSON.stringify(found['issuer'])}`)
  const { jwks_uri: jwksUri, introspection_endpoint: introspection } = found
  return {
    jwksUri: safe(jwksUri, issuer),
    introspectionEndpoint: introspection === undefined ? undefined : safe(introspection, issuer),
  }
}

async function metadata(url: URL, rules: FetchRules): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetchJson(url, { headers: { accept: 'application/json' } }, rules)
  if (typeof answer !== 'object' || answer === null) throw new Error(`${url.href} answered with what is not an object`)
  return answer as Readonly<Record<string, unknown>>
}

function openid(issuer: string): URL {
  return new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
}

function authorizationServer(issuer: string): URL {
  const url = new URL(issuer)
  url.pathname = `/.well-known/oauth-authorization-server${url.pathname.replace(/\/$/, '')}`
  return url
}

function safe(value: unknown, issuer: string): URL {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (!url || (url.protocol !== 'https:' && url.protocol !== new URL(issuer).protocol)) {
    throw new Error(`${issuer} names ${JSON.stringify(value)}, which is no address that is as safe as its own`)
  }
  return url
}
