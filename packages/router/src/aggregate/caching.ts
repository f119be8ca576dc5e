import type { ReadonlyHeaders } from '@gatelet/core'

/** What one part says about being stored. */
interface Said {
  readonly lifetime: number | undefined
  readonly has: ReadonlySet<string>
}

/**
 * How long the reply that is made of all of them may be stored (RFC 9111): no longer than the part that lives shortest, by
 * nobody whom one of them forbids it, and not at all when one of them says nothing.
 *
 * `max-age` counts, less the `Age` that the part has already; `s-maxage` can only shorten it; `Expires` is not looked at. What a
 * part says to some shared caches (`CDN-Cache-Control` and its like, RFC 9213; `Surrogate-Control`) holds for all of them.
 * @param isPersonal whether the client sent credentials: then at most its own cache may store it
 */
export function combinedCaching(parts: readonly ReadonlyHeaders[], isPersonal: boolean): string {
  const said = parts.map(caching)
  const some = (directive: string) => said.some(({ has }) => has.has(directive))
  const lifetimes = said.map(({ lifetime }) => lifetime)
  if (parts.length === 0 || lifetimes.includes(undefined) || some('no-store')) return 'no-store'
  if (parts.some((headers) => headers.get('vary')?.includes('*'))) return 'no-store'
  return [
    ...(isPersonal || some('private') ? ['private'] : []),
    ...(some('no-cache') ? ['no-cache'] : []),
    `max-age=${Math.min(...(lifetimes as number[]))}`,
    ...['must-revalidate', 'proxy-revalidate', 'no-transform'].filter(some),
  ].join(', ')
}

function caching(headers: ReadonlyHeaders): Said {
  const directives = directivesOf(headers.get('cache-control') ?? '')
  const age = seconds(headers.get('age')) ?? 0
  const own = directives.has('max-age') ? (seconds(directives.get('max-age')) ?? 0) : undefined
  const shared = directives.has('s-maxage') ? (seconds(directives.get('s-maxage')) ?? 0) : undefined
  // For shared caches only is for nobody else: a reply that says so is stale at once for browsers.
  const lifetime = shared === undefined ? own : Math.min(own ?? 0, shared)
  const some = targeted(headers)
  const has = new Set([...directives.keys(), ...(some.forbids ? ['private'] : [])])
  return { lifetime: lifetime === undefined ? undefined : Math.max(0, Math.min(lifetime, some.lifetime) - age), has }
}

/** What the fields for some shared caches say. */
function targeted(headers: ReadonlyHeaders): { forbids: boolean; lifetime: number } {
  const fields = [...headers].filter(([name]) => /^(?:.+-cache|surrogate)-control$/i.test(name))
  const said = fields.map(([, value]) => directivesOf(value))
  const lifetimes = said.filter((each) => each.has('max-age')).map((each) => seconds(each.get('max-age')) ?? 0)
  return {
    forbids: said.some((each) => ['no-store', 'no-cache', 'private'].some((name) => each.has(name))),
    lifetime: Math.min(...lifetimes, Number.POSITIVE_INFINITY),
  }
}

// A value may be quoted, with commas in it: `private="set-cookie, x"`. The first of a name counts.
function directivesOf(value: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [, name = '', quoted, plain = ''] of value.matchAll(/([^\s",;=]+)\s*(?:=\s*(?:"([^"]*)"|([^\s",]*)))?/g)) {
    const known = name.toLowerCase()
    if (!found.has(known)) found.set(known, quoted ?? plain)
  }
  return found
}

// RFC 9111 §1.2.2: what is larger than can be counted is as long as can be.
function seconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d+$/.test(value) ? Math.min(Number(value), 2_147_483_648) : undefined
}
