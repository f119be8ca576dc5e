import type { EjectionRules } from './ejection.ts'
import type { EndpointState } from './endpoint.ts'
import type { Gate } from './gate.ts'

/** Lets one request at a time to an endpoint that is half-open; and, where it is to fail fast, none to one that is ejected. */
export function circuitGate({ failFast }: EjectionRules): Gate {
  return {
    reason: 'breaker-open',
    admits({ ejection }: EndpointState): boolean {
      if (ejection.circuit === 'closed') return true
      return ejection.circuit === 'open' ? !failFast : !ejection.isProbed
    },
  }
}
