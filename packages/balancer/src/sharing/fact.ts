/** What one process tells the others about an endpoint. */
export type Fact =
  | { readonly what: 'ejected'; readonly id: string; readonly forMs: number; readonly reason: string }
  | { readonly what: 'health'; readonly id: string; readonly passed: boolean; readonly reason: string }
  | { readonly what: 'weight'; readonly id: string; readonly weight: number; readonly revision: number }

/** One message. */
export interface Note {
  /** Which balancer it is about. */
  readonly balancer: string
  /** Who says it. */
  readonly from: string
  /** `hello`: I am here. `bye`: no longer. */
  readonly kind: 'hello' | 'bye' | 'facts'
  readonly facts: readonly Fact[]
}

/** A note that somebody sent; undefined for whatever else comes over the channel. */
export function noteOf(message: unknown): Note | undefined {
  const { balancer, from, kind, facts } = (message ?? {}) as Partial<Note>
  if (!isName(balancer) || !isName(from) || !Array.isArray(facts)) return undefined
  if (kind !== 'hello' && kind !== 'bye' && kind !== 'facts') return undefined
  return { balancer, from, kind, facts: facts.slice(0, MAX_FACTS).filter(isFact) }
}

/** How many facts there may be, in a note and in memory. */
export const MAX_FACTS = 100_000

function isFact(fact: unknown): fact is Fact {
  const { what, id, forMs, passed, weight, revision, reason } = (fact ?? {}) as Record<string, unknown>
  if (!isName(id)) return false
  // An empty reason is fine where there is none; an ejection always has one.
  if (what === 'ejected') return isCount(forMs, 2_147_483_647) && isReason(reason) && reason !== ''
  if (what === 'health') return typeof passed === 'boolean' && isReason(reason)
  return what === 'weight' && isCount(weight, 1_000_000) && isCount(revision, Number.MAX_SAFE_INTEGER)
}

const isName = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= 2_000
const isReason = (value: unknown): boolean => typeof value === 'string' && value.length <= 500
const isCount = (value: unknown, max: number): boolean => typeof value === 'number' && value >= 0 && value <= max
