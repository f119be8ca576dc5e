import type { Asked } from './asking.ts'
import { capacityOf, type Policy } from './policy.ts'
import type { RateVerdict } from './store.ts'
import type { PolicyVerdict, RateLimitVerdict } from './verdict.ts'

/** When everything that was asked for could be had: 0 when nobody knows, `Infinity` for never. */
export function retryAfterMs({ verdicts }: Asked): number {
  return verdicts.reduce((longest, { retryAfterMs }) => Math.max(longest, retryAfterMs), 0)
}

/**
 * What a store's answer means for a request.
 * @param policies those that were asked for, in the order of the verdicts; a verdict behind theirs is that of a ban
 * @param isClosed nobody passes while nobody counts
 */
export function judged(policies: readonly Policy<never>[], asked: Asked, isClosed: boolean): RateLimitVerdict {
  const { source, verdicts } = asked
  if (source === 'none') {
    const nothing = { policies: [], source }
    return isClosed
      ? { allowed: false, reason: 'unknown', violated: [], retryAfterMs: 0, ...nothing }
      : { allowed: true, ...nothing }
  }
  const all = policies.map((policy, at) => policyVerdict(policy, verdicts[at] as RateVerdict))
  if (verdicts.every(({ allowed }) => allowed)) return { allowed: true, policies: all, source }
  const isBanned = verdicts[policies.length]?.allowed === false
  return {
    allowed: false,
    reason: isBanned ? 'ban' : 'quota',
    violated: all.filter(({ allowed }) => !allowed).map(({ name }) => name),
    retryAfterMs: retryAfterMs(asked),
    policies: all,
    source,
  }
}

function policyVerdict({ rule }: Policy<never>, { allowed, remaining, resetMs }: RateVerdict): PolicyVerdict {
  return { name: rule.name, capacity: capacityOf(rule), remaining, resetMs, allowed }
}
