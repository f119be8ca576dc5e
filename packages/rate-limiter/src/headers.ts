import type { Clock, HeaderList } from '@gatelet/core'
import { serializeInteger, serializeItem, serializeList } from 'structured-headers'
import type { Policy } from './policy.ts'
import type { RateRule } from './store.ts'
import type { PolicyVerdict } from './verdict.ts'

/**
 * The value of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10, section 3). The window is in whole seconds; where it
 * is not, or has no fixed length, it is left out.
 */
export function policyField(policies: readonly { readonly rule: RateRule }[]): string {
  return serializeList(
    policies.map(({ rule }) => {
      const parameters = new Map<string, number | string>([['q', rule.limit]])
      if (rule.algorithm === 'concurrency') parameters.set('qu', 'concurrent-requests')
      const seconds = windowSeconds(rule)
      if (Number.isInteger(seconds)) parameters.set('w', seconds)
      return [rule.name, parameters]
    }),
  )
}

/** A name as it stands in header fields. */
export function labelOf(rule: RateRule): string {
  return serializeItem(rule.name)
}

/** The value of `RateLimit` (section 4). `t` is left out where nobody knows when there is more, and where there is all. */
export function limitField(policies: readonly Policy<never>[], verdicts: readonly PolicyVerdict[]): string {
  return policies
    .map(({ label }, at) => {
      const { remaining, resetMs } = verdicts[at] as PolicyVerdict
      const field = `${label};r=${serializeInteger(remaining)}`
      return resetMs > 0 ? `${field};t=${serializeInteger(wholeSeconds(resetMs))}` : field
    })
    .join(', ')
}

/** Says `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds since 1970) of the policy with the least left, as many do. */
export function addLegacyFields(headers: HeaderList, verdicts: readonly PolicyVerdict[], clock: Clock): void {
  const [first, ...others] = verdicts
  if (!first) return
  const { capacity, remaining, resetMs } = others.reduce(
    (least, each) => (each.remaining < least.remaining ? each : least),
    first,
  )
  // Of several limiters, too, the one with the least left.
  const before = headers.get('x-ratelimit-remaining')
  if (before !== undefined && Number(before) <= remaining) return
  headers.set('x-ratelimit-limit', String(capacity))
  headers.set('x-ratelimit-remaining', String(remaining))
  headers.set('x-ratelimit-reset', String(wholeSeconds(clock.date() + resetMs)))
}

/** `Retry-After` in whole seconds, never earlier than it helps (RFC 9110 §10.2.3); undefined where waiting does not help. */
export function retryAfterField(retryAfterMs: number): string | undefined {
  return Number.isFinite(retryAfterMs) ? String(Math.max(1, wholeSeconds(retryAfterMs))) : undefined
}

/** The largest integer of a structured field (RFC 9651 §3.3.1): what has been settled afterwards may be a debt of any size. */
export const MAX_INTEGER = 999_999_999_999_999

const wholeSeconds = (ms: number): number => Math.min(MAX_INTEGER, Math.ceil(ms / 1_000))

const periodSeconds = { day: 86_400, week: 604_800, month: Number.NaN }

function windowSeconds(rule: RateRule): number {
  if (rule.algorithm === 'concurrency') return Number.NaN
  return rule.algorithm === 'calendar' ? periodSeconds[rule.unit] : rule.windowMs / 1_000
}
