// A small limiter: a layer that counts. Who needs more (stores, policies, headers of the draft) builds on the same shape.
import { type Middleware, problem } from 'gatelet'

/** Lets each client ask so many times a minute. At most 100,000 clients are told apart; then counting begins anew. */
export function limit(perMinute: number): Middleware<{}, { readonly left: number }> {
  const counts = new Map<string, number>()
  let minute = 0
  return async function limit(ctx, next) {
    const now = Math.floor(Date.now() / 60_000)
    if (now !== minute || counts.size >= 100_000) counts.clear()
    minute = now
    const count = (counts.get(ctx.request.client.address) ?? 0) + 1
    counts.set(ctx.request.client.address, count)
    if (count > perMinute) return problem({ status: 429, title: 'Too many requests', headers: { 'retry-after': '60' } })
    const reply = await next(ctx.with({ left: perMinute - count }))
    reply.headers.set('x-left', String(perMinute - count))
    return reply
  }
}
