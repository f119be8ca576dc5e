// A small limiter: a layer that counts. Who needs more (stores, policies, headers of the draft) builds on the same shape.
import { type Middleware, problem } from 'gatelet'

/**
 * Lets each client ask so many times in each minute of the clock: counting begins anew with the next one, so that a client may
 * come twice as often around its beginning. It also does when 100,000 clients were counted.
 */
export function limit(perMinute: number): Middleware<{}, { readonly left: number }> {
  const counts = new Map<string, number>()
  let minute = 0
  return async function limit(ctx, next) {
    const now = Date.now()
    const current = Math.floor(now / 60_000)
    if (current !== minute || counts.size >= 100_000) counts.clear()
    minute = current
    const count = (counts.get(ctx.request.client.address) ?? 0) + 1
    counts.set(ctx.request.client.address, count)
    if (count > perMinute) {
      const retryAfter = String(60 - Math.floor((now / 1_000) % 60))
      return problem({ status: 429, title: 'Too many requests', headers: { 'retry-after': retryAfter } })
    }
    const reply = await next(ctx.with({ left: perMinute - count }))
    reply.headers.set('x-left', String(perMinute - count))
    return reply
  }
}
