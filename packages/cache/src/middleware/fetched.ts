import type { Context, Reply } from '@gatelet/core'
import { Arrival, type Asked, type Fetched } from './arrival.ts'
import { staleInstead } from './fallback.ts'
import { withoutUnkeyed } from './unkeyed.ts'

/**
 * Asks the upstream, and makes of what comes back the reply and what is stored.
 * @param asking the context to ask with: that of the request, or one in the background
 * @throws what the upstream throws, where nothing stale may stand in for it
 */
export async function fetched<S extends object>(asked: Asked<S>, asking: Context<S>): Promise<Fetched> {
  const { kit, ask, decision, flight } = asked
  const { clock, unkeyed } = kit.settings
  const changed = decision.kind === 'revalidate' ? asking.withRequest({ headers: decision.headers }) : asking
  const requestTimeMs = clock.date()
  let reply: Reply
  try {
    reply = await ask.next(withoutUnkeyed(changed, unkeyed))
  } catch (error) {
    flight.land({ kind: 'failed', error })
    kit.flights.end(flight)
    const stale = staleInstead(kit, ask, decision, undefined)
    if (stale) return stale
    throw error
  }
  const done = new Arrival(asked, reply, { requestTimeMs, responseTimeMs: clock.date() }).handled()
  if (done) return done
  const { forward, fallback } = decision
  return fetched({ ...asked, decision: { kind: 'fetch', forward, detail: 'mismatch', ...(fallback && { fallback }) } }, asking)
}
