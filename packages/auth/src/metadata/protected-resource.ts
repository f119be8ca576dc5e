import { checkOptions, type Handler, text } from '@gatelet/core'
import { memberNames, type ProtectedResourceOptions, protectedResourceChecks } from './options.ts'

/** Answers what is told of a protected resource. */
export interface ProtectedResource extends Handler {
  /** Where a router has to place it: `/.well-known/oauth-protected-resource`, and behind that the path of the resource. */
  readonly path: string
  /** The same as clients ask for it: what `auth` tells as `resourceMetadata`. */
  readonly url: string
}

/**
 * Tells clients where they get a token for a resource (RFC 9728). To be reached without one: place it beside what `auth` guards. Pages of
 * any origin may read it; caches may keep it.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const metadata = protectedResource({ resource: 'https://api.example.com', authorizationServers: ['https://id.example.com/'] })
 * const guard = auth(jwt({ … }), { resourceMetadata: metadata.url })
 * createRouter().get(metadata.path, metadata).mount('/*rest', chain().use(guard).to(proxy(orders)))
 */
export function protectedResource(given: ProtectedResourceOptions): ProtectedResource {
  const { cacheMs = 3_600_000, more, ...told } = checkOptions('protectedResource', given, protectedResourceChecks)
  const body = JSON.stringify({ ...members({ bearerMethods: ['header'], ...told }), ...more })
  const headers = {
    'content-type': 'application/json',
    'cache-control': `public, max-age=${Math.floor(cacheMs / 1_000)}`,
    // It says nothing that is not for everybody: clients in browsers need not be named.
    'access-control-allow-origin': '*',
  }
  const { origin, pathname } = new URL(told.resource)
  // RFC 9728 §3.1: between host and path; the slash that is the whole path goes.
  const path = `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`
  return Object.assign(() => text(body, { headers }), { path, url: `${origin}${path}` })
}

function members(told: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(memberNames).map(([option, name]) => [name, told[option]]))
}
