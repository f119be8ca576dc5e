import { respond } from '../policy/respond.ts'
import type { Forwarded } from '../policy/types.ts'
import type { Fetched } from './arrival.ts'
import type { Ask, Kit } from './kit.ts'
import { bytesOfAnswer } from './stored-reply.ts'

/** Whether a status is an error in whose place something stale may be sent (RFC 5861 §4). */
export const isFailure = (status: number): boolean => status === 500 || (status >= 502 && status <= 504)

/**
 * Something stale in place of an error, where there is something that may be sent.
 * @param forwardStatus of the error; undefined where it was thrown
 */
export function staleInstead<S extends object>(
  kit: Kit<S>,
  { ctx, key, entries }: Ask<S>,
  { fallback }: Forwarded,
  forwardStatus: number | undefined,
  isCollapsed = false,
): Fetched | undefined {
  const entry = fallback && entries.find(({ meta }) => meta === fallback)
  if (!entry) return undefined
  kit.letRest(key, entry)
  const { clock, policy } = kit.settings
  const detail = 'stale-if-error'
  const status = {
    forward: 'stale' as const,
    ...(forwardStatus !== undefined && { forwardStatus }),
    collapsed: isCollapsed,
    detail,
  }
  const answer = respond(ctx.request, fallback, clock.date(), policy, status)
  const reply = kit.replyOf(answer, entry, fallback)
  return reply && { reply, told: { result: 'stale', detail, bytes: bytesOfAnswer(answer, fallback), isCollapsed } }
}
