import type { RateRequest } from '../store.ts'

/**
 * The leases that a decision would have begun: what somebody has to give back when the answer comes too late for whoever asked.
 * One that is taken anew is held by a request that lasts.
 */
export function newLeases(requests: readonly RateRequest[]): readonly RateRequest[] {
  return requests.filter(({ rule, isRenewal }) => rule.algorithm === 'concurrency' && !isRenewal)
}
