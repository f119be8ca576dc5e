import { type Checks, checkOptions, options, type Reply } from '@gatelet/core'

/** How long a handler's replies may be given again. HTTP counts in seconds: parts of them are dropped. */
export interface CacheableOptions {
  /** Milliseconds for which they are fresh, from 1,000 on. */
  ttlMs: number
  /**
   * Milliseconds for which browsers keep them, which no purge reaches; 0: they ask each time. `ttlMs` is then for caches
   * that know `CDN-Cache-Control` (RFC 9213), as this one does. Default: `ttlMs`.
   */
  browserMs?: number
  /** Milliseconds after that in which they are sent while somebody asks again (RFC 5861 §3). Default: 0. */
  staleWhileRevalidateMs?: number
  /** Milliseconds after that in which they are sent in place of an error (RFC 5861 §4). Default: 0. */
  staleIfErrorMs?: number
  /** They are for everybody, also where they answer requests with credentials (RFC 9111 §3.5). Default: false. */
  isPublic?: boolean
}

const { boolean, number, optional, wrong } = options

const span = (min: number) => number({ min, max: 2 ** 31 * 1_000, unit: 'milliseconds' })

const checks: Checks<CacheableOptions> = {
  ttlMs: span(1_000),
  browserMs: optional(span(0)),
  staleWhileRevalidateMs: optional(span(0)),
  staleIfErrorMs: optional(span(0)),
  isPublic: optional(boolean),
}

/**
 * Makes what says of replies how long they may be given again, and under which tags they are purged together. Each is changed
 * in place: what it said itself of how long is replaced.
 * @throws GatewayError `BAD_OPTION`, also for a tag that is empty, or has a space, a comma or what is not ASCII
 * @example const aMinute = cacheable({ ttlMs: 60_000 })
 * router.get('/users/:id', async (ctx) => aMinute(json(await find(ctx)), [`user:${ctx.state.params.id}`]))
 */
export function cacheable(options: CacheableOptions): (reply: Reply, tags?: readonly string[]) => Reply {
  const checked = checkOptions<CacheableOptions>('cacheable', options, checks)
  const { ttlMs, browserMs = ttlMs } = checked
  const forCaches = directives(checked, ttlMs)
  const forBrowsers = browserMs === ttlMs ? forCaches : browserMs < 1_000 ? 'no-cache' : directives(checked, browserMs)
  return (reply, tags = []) => {
    const { headers } = reply
    headers.set('Cache-Control', forBrowsers)
    headers.delete('Expires')
    if (forBrowsers === forCaches) headers.delete('CDN-Cache-Control')
    else headers.set('CDN-Cache-Control', forCaches)
    if (tags.length > 0) headers.append('Cache-Tag', tags.map(checkedTag).join(','))
    return reply
  }
}

function directives({ isPublic, staleWhileRevalidateMs = 0, staleIfErrorMs = 0 }: CacheableOptions, ageMs: number): string {
  const parts = isPublic ? ['public'] : []
  parts.push(`max-age=${seconds(ageMs)}`)
  if (staleWhileRevalidateMs >= 1_000) parts.push(`stale-while-revalidate=${seconds(staleWhileRevalidateMs)}`)
  if (staleIfErrorMs >= 1_000) parts.push(`stale-if-error=${seconds(staleIfErrorMs)}`)
  return parts.join(', ')
}

const seconds = (ms: number): number => Math.floor(ms / 1_000)

function checkedTag(tag: string): string {
  if (typeof tag !== 'string' || !/^[!-+\--~]+$/.test(tag)) throw wrong(tag, 'tags', 'texts of ASCII without spaces and commas')
  return tag
}
