import { bytesOf, sourceOf } from './body.ts'
import type { Context } from './contract.ts'
import { stopReason } from './stopped.ts'

/**
 * Reads the body of a request to its end. What ends the exchange meanwhile, a time limit too, ends the reading and cancels the body.
 * @param limit bytes; the body is cancelled when it has more
 * @throws GatewayError `BODY_TOO_LARGE`, and why the exchange was ended
 */
export function requestBytes<S extends object>(ctx: Context<S>, limit: number): Promise<Uint8Array> {
  const source = sourceOf(ctx.request.body)
  return new Promise((resolve, reject) => {
    const undo = ctx.onAbort(() => {
      source.cancel()
      reject(stopReason(ctx))
    })
    bytesOf(source, limit).finally(undo).then(resolve, reject)
  })
}
