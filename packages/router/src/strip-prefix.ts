import type { Middleware } from '@gatelet/core'
import { mountedAt, mountedIn } from './mounted.ts'

/**
 * Takes away from `url.path` what the pattern in front of its rest matched, so that a backend sees the path as if it was
 * mounted nowhere: behind `/v1/*`, `/v1/users` becomes `/users`, and `/v1` becomes `/`. Where no router with such a
 * pattern stands in front, nothing changes.
 * @example router.mount('/v1', stripPrefix(), proxy(backend))
 */
export function stripPrefix(): Middleware {
  return function stripPrefix(ctx, next) {
    const mounted = mountedIn(ctx)
    if (!mounted) return next(ctx)
    const path = mounted.path.slice(mounted.end) || '/'
    // Told anew, for routers behind: nothing of this path is used up yet.
    return next(ctx.withRequest({ url: { path } }).with(mountedAt({ path, end: 0, route: mounted.route })))
  }
}
