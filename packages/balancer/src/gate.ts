import type { ExclusionReason } from '@gatelet/core'
import type { EndpointState } from './endpoint.ts'

/**
 * Keeps endpoints from being picked that are well but cannot take one request more now: they are at a limit, or a breaker lets
 * nothing through. Asked for each candidate of each pick, panic or not: quick, and without side effects.
 */
export interface Gate {
  /** For `explain`. `at-limit` is no reason for a priority that has no part of the traffic: the endpoint is free again soon. */
  readonly reason: ExclusionReason
  admits(endpoint: EndpointState): boolean
}

/** The reason of the first gate that does not admit an endpoint; undefined when all do. */
export function reasonAt(gates: readonly Gate[], endpoint: EndpointState): ExclusionReason | undefined {
  // Not `find`: this runs for each candidate, and a closure would be allocated.
  for (const gate of gates) if (!gate.admits(endpoint)) return gate.reason
  return undefined
}
