import type { Endpoint } from '@gatelet/core'
import type { EndpointState } from './endpoint.ts'
import { type Gate, reasonAt } from './gate.ts'
import { leastBusyAt } from './strategies/least-busy.ts'

/**
 * For a request that has been to every endpoint that may be picked: the least busy one of those that are ejected and that it
 * has not been to. It may have recovered; the others have just failed.
 */
export function lastResort(
  members: readonly EndpointState[],
  tried: readonly Endpoint[],
  gates: readonly Gate[],
): EndpointState | undefined {
  const ejected = members.filter(
    (member) => member.state === 'ejected' && !tried.includes(member) && reasonAt(gates, member) === undefined,
  )
  return ejected[leastBusyAt(ejected, anyOfThem, 0)]
}

const anyOfThem = { hashKey: undefined, attempt: 0, accepts: () => true }
