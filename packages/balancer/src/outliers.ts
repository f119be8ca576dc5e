import type { EjectionRules } from './ejection.ts'
import type { EndpointState } from './endpoint.ts'

/**
 * The endpoints in play whose success rate is far below that of the others: less than mean − `stdevs` × standard deviation
 * (of all, not of a sample), and less than mean − `margin`. The worst come first. As Envoy and gRPC (A50) have it, but for
 * the margin. Nobody, where too few endpoints have had requests enough.
 */
export function outliersOf(members: readonly EndpointState[], now: number, rules: EjectionRules): readonly EndpointState[] {
  const { outliers, windowMs } = rules
  if (!outliers) return []
  const judged = members.filter(({ isInPlay, circuit, ejection: { window } }) => {
    window.advance(now, windowMs)
    return isInPlay && circuit === 'closed' && window.total >= outliers.minRequests
  })
  if (judged.length < outliers.minEndpoints) return []
  const rates = judged.map(failureRateOf)
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const stdev = Math.sqrt(rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length)
  const most = mean + Math.max(outliers.stdevs * stdev, outliers.margin, SLIP)
  return judged.filter((member) => failureRateOf(member) > most).toSorted((a, b) => failureRateOf(b) - failureRateOf(a))
}

// Equal rates must not differ from their own mean by the last bit of a sum.
const SLIP = 1e-9

const failureRateOf = ({ ejection }: EndpointState): number => ejection.window.failureRate
