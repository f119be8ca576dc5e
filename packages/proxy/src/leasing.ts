import {
  type Balancer,
  type Context,
  type Endpoint,
  GatewayError,
  isLease,
  isPromise,
  type Lease,
  type MaybePromise,
  type Refusal,
  refusalError,
} from '@gatelet/core'
import { released } from './attempted.ts'
import type { NetworkTarget } from './connector.ts'
import { upstreamError } from './upstream-error.ts'
import type { Upstream, Upstreams } from './upstreams.ts'

/** What a request has been through: the endpoints that failed it, and how the last of them did. */
export interface History {
  readonly tried: readonly Endpoint[]
  readonly lastError: GatewayError | undefined
  /** An endpoint may be asked again when no other is left: it has answered, though not what was wished for. */
  readonly mayRepeat?: boolean
}

/** Nothing yet. */
export const untried: History = Object.freeze({ tried: Object.freeze([]), lastError: undefined })

/**
 * Asks for an endpoint.
 * @throws GatewayError what the client is told, when there is none that was not tried yet
 */
export function leaseFrom(balancer: Balancer, ctx: Context, history: History): MaybePromise<Lease> {
  const answer = balancer.acquire({ tried: history.tried, context: ctx })
  return isPromise(answer) ? answer.then((late) => granted(late, history)) : granted(answer, history)
}

function granted(answer: Lease | Refusal, history: History): Lease {
  if (!isLease(answer)) throw history.lastError ?? refusalError(answer)
  if (history.mayRepeat || !history.tried.includes(answer.endpoint)) return answer
  // Every other was tried: another attempt tells nothing new.
  released(answer)
  throw allFailed(history)
}

/** One server that cannot be reached is a bad gateway; when none of several can be, the service is not there. */
export function allFailed({ tried, lastError }: History): GatewayError {
  if (lastError && (tried.length < 2 || lastError.code !== 'UPSTREAM_CONNECT_FAILED')) return lastError
  return new GatewayError('NO_ENDPOINT', lastError ? { cause: lastError } : {})
}

/**
 * What is kept for the endpoint of a lease.
 * @throws GatewayError `INTERNAL` for a target that a balancer should not have given; the lease is given back
 */
export function upstreamOf(lease: Lease, upstreams: Upstreams): Upstream {
  try {
    return upstreams.of(lease.endpoint, lease.target as NetworkTarget)
  } catch (error) {
    released(lease)
    throw upstreamError(error, { sent: false, hasHead: false })
  }
}
