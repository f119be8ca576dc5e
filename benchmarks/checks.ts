import type { LoadTotal } from './load.ts'
import { connections, type Payload, requestHeaders } from './payloads.ts'

// A proxy that answers wrongly may well be fast.

/** Asks once. @throws Error when the answer is not what the origin sends */
export async function checkAnswer(url: string, { method, sent, received }: Payload): Promise<void> {
  const body = sent > 0 ? { body: 'x'.repeat(sent) } : {}
  const response = await fetch(url, { method, headers: requestHeaders, ...body })
  const { byteLength } = await response.arrayBuffer()
  if (response.status !== 200 || byteLength !== received) {
    throw new Error(`it answered ${response.status} with ${byteLength} bytes, not 200 with ${received}`)
  }
}

/**
 * Why what the load saw does not count, if it does not.
 * @param atOrigin requests that reached the origin during its turns
 * @param pauses after each of which an answer may be late on every connection, and be counted in another's turn
 */
export function faultOf(total: LoadTotal, payload: Payload, atOrigin: number, pauses: number): string | undefined {
  const { answered, bytes, failed } = total
  if (failed > 0) return `${failed} of ${answered + failed} answers failed`
  if (answered === 0) return 'nothing was answered'
  if (bytes < answered * payload.received) return 'answers were too short'
  // Retries would make a request look cheaper than it is: cost is by request that reached the origin.
  if (Math.abs(atOrigin - answered) > connections * (pauses + 1)) {
    return `${answered} answers, but ${atOrigin} requests at the origin`
  }
  return undefined
}
