import type { RateRequest, RateRule, RateVerdict } from '@gatelet/rate-limiter'

/** One rule of each kind, each of which has room for five at once. */
export const rules: Readonly<Record<RateRule['algorithm'], RateRule>> = {
  gcra: { algorithm: 'gcra', name: 'gcra', limit: 5, windowMs: 3_600_000, burst: 5 },
  fixed: { algorithm: 'fixed', name: 'fixed', limit: 5, windowMs: 3_600_000 },
  sliding: { algorithm: 'sliding', name: 'sliding', limit: 5, windowMs: 3_600_000_000 },
  calendar: { algorithm: 'calendar', name: 'calendar', limit: 5, unit: 'month' },
  concurrency: { algorithm: 'concurrency', name: 'concurrency', limit: 5 },
}

/** A rate of so many at once, which do not come back while a test runs. */
export const ofBurst = (burst: number, name = 'burst'): RateRule => ({
  algorithm: 'gcra',
  name,
  limit: 1,
  windowMs: 3_600_000,
  burst,
})

/** A request for one unit. */
export const one = (rule: RateRule, key = 'ada', lease?: string): RateRequest => ({ rule, key, cost: 1, lease })

/** Whether everything was taken. */
export const isTaken = (verdicts: readonly RateVerdict[]): boolean => verdicts.every(({ allowed }) => allowed)
