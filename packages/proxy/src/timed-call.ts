import { GatewayError, type Reply } from '@gatelet/core'
import { type Attempt, UpstreamCall } from './upstream-call.ts'

/** A call that is to be answered within a time of its own. */
export function timedCall(
  attempt: Attempt,
  attemptMs: number,
  resolve: (reply: Reply) => void,
  reject: (error: GatewayError) => void,
): UpstreamCall {
  let cancel = () => {}
  const settle =
    <T>(how: (value: T) => void) =>
    (value: T) => {
      cancel()
      how(value)
    }
  const call = new UpstreamCall(attempt, settle(resolve), settle(reject))
  cancel = attempt.settings.clock.setTimer(() => call.stop(new GatewayError('UPSTREAM_ATTEMPT_TIMEOUT')), attemptMs)
  return call
}
