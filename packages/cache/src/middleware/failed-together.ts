import { GatewayError, problem } from '@gatelet/core'
import type { Fetched, Onward } from './arrival.ts'
import { isFailure } from './fallback.ts'
import type { Landing } from './flight.ts'
import type { Ask, Kit } from './kit.ts'
import { thrown } from './thrown.ts'

/** A request of another one that failed. */
export type Failure = Extract<Landing, { kind: 'failed' }>

/**
 * How many requests must fail, one after the other, before those who wait share the failure. One may have failed for what its
 * client sent along: whoever can make an upstream fail must not fail others by it.
 */
export const maxFailures = 2

/** Whether a failure says that the upstream is sick, and nothing of who asked. */
export function isOfUpstream({ status, error }: Failure): boolean {
  if (status !== undefined) return isFailure(status)
  if (!(error instanceof GatewayError)) return false
  return error.side === 'upstream' || nobodyThere.has(error.code)
}

const nobodyThere = new Set(['NO_ENDPOINT', 'QUEUE_FULL', 'QUEUE_TIMEOUT', 'OVERLOADED'])

/**
 * The failure of others, as the answer to one who waited: asked by all of them at once, a sick upstream would not get well. What
 * the upstream said to another one, beyond the status, is not for this one.
 * @throws what was thrown to the others
 */
export function failedTogether<S extends object>(kit: Kit<S>, ask: Ask<S>, { forward }: Onward, failure: Failure): Fetched {
  const { status, error } = failure
  const said = { forward, ...(status !== undefined && { forwardStatus: status }), collapsed: true, detail: 'failed' }
  const told = { result: 'miss', detail: 'failed', isCollapsed: true } as const
  if (status !== undefined) {
    const reply = problem({ status, title: 'The server failed' })
    kit.addStatus(reply.headers, said)
    return { reply, told }
  }
  kit.tell(ask, told)
  return thrown(ask.ctx, error, ({ headers }) => kit.addStatus(headers, said)) as never
}
