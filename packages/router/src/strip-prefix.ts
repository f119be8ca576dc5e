import type { Middleware } from '@gatelet/core'
import { rewrite } from './filters/rewrite.ts'

/**
 * Takes away from `url.path` what the pattern in front of its rest matched, so that a backend sees the path as if it was
 * mounted nowhere: behind `/v1/*`, `/v1/users` becomes `/users`, and `/v1` becomes `/`. Where no router with such a
 * pattern stands in front, nothing changes. It is `rewrite({ prefix: '/' })`.
 * @example router.mount('/v1', stripPrefix(), proxy(backend))
 */
export function stripPrefix(): Middleware {
  return rewrite({ prefix: '/' })
}
