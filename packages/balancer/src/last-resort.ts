import type { Endpoint } from '@gatelet/core'
import { hasTriedAll } from './choice.ts'
import type { EndpointState } from './endpoint.ts'
import type { Membership } from './membership.ts'
import { leastBusyAt } from './strategies/least-busy.ts'

/**
 * For a request that has been to every endpoint that may be picked: the least busy one of those that are ejected and that it
 * has not been to. It may have recovered; the others have just failed.
 */
export function lastResort(membership: Membership, tried: readonly Endpoint[]): EndpointState | undefined {
  if (!hasTriedAll(membership.rotation, tried)) return undefined
  const ejected = membership.all.filter((member) => member.state === 'ejected' && !tried.includes(member))
  return ejected[leastBusyAt(ejected, anyOfThem, 0)]
}

const anyOfThem = { hashKey: undefined, attempt: 0, accepts: () => true }
