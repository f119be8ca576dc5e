import { type Context, canonicalize, canonicalizeHost, GatewayError, json, type Reply, type RequestUrl } from '@gatelet/core'
import type { CacheHandle, PurgeWhat } from '../handles.ts'
import { Ask, bad } from './ask.ts'

/**
 * Purges: `{ "cache": "pages", "what": "url" | "prefix" | "tag" | "all", "value": "/users/7", "soft": true }`. URLs are absolute, or
 * of the host that was asked. Answers `{ "purged": 3 }`, as the cache counts.
 * @throws GatewayError `BAD_REQUEST`, `NOT_FOUND`; what the cache throws
 */
export async function purgeCache(ctx: Context, caches: Readonly<Record<string, CacheHandle>>): Promise<Reply> {
  const ask = await Ask.of(ctx)
  const name = ask.text('cache')
  const cache = Object.hasOwn(caches, name) ? caches[name] : undefined
  if (!cache) throw new GatewayError('NOT_FOUND', { detail: 'there is no such cache' })
  const soft = ask.isOn('soft')
  let purged = 0
  for (const what of wanted(ask, ctx.request.url)) purged += Number((await cache.purge(what, { soft })) ?? 0)
  return json({ purged })
}

function wanted(ask: Ask, base: RequestUrl): readonly PurgeWhat[] {
  const what = ask.oneOf('what', ['url', 'prefix', 'tag', 'all'])
  if (what === 'all') return [{ all: true }]
  const value = ask.text('value')
  if (what === 'tag') return [{ tag: value }]
  const url = absolute(value, base)
  if (what === 'prefix') return [{ prefix: url }]
  // Behind a space stands whom a stored reply is for: their copies go too.
  return [{ key: url }, { prefix: `${url} ` }]
}

/** A URL as caches have it: canonical, whole. @throws GatewayError `BAD_REQUEST` */
function absolute(text: string, base: RequestUrl): string {
  try {
    const [, scheme = base.scheme, authority, target = '/'] = /^(?:(https?):\/\/([^/?#]+))?([/?].*)?$/.exec(text) ?? []
    if (authority === undefined && !text.startsWith('/')) throw bad('a URL is absolute, or begins with /')
    const own = `${base.host}${base.port === undefined ? '' : `:${base.port}`}`
    const { host, port } = canonicalizeHost(authority ?? own, scheme as 'http' | 'https')
    const { path, search } = canonicalize(target.startsWith('?') ? `/${target}` : target)
    return `${scheme}://${host}${port === undefined ? '' : `:${port}`}${path}${search}`
  } catch (error) {
    throw bad(error instanceof GatewayError ? (error.detail ?? error.title) : 'that is no URL')
  }
}
