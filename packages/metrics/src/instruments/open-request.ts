import { GatewayError, type Summary } from '@gatelet/core'
import type { Series, TraceOfRequest } from './series.ts'
import type { SocketSeries } from './web-sockets.ts'

/** What is known so far of a request that is under way. */
export class OpenRequest {
  readonly active: Series
  route = ''
  trace: TraceOfRequest | undefined
  /** The code of the last error that it met. */
  error: string | undefined
  /** Milliseconds that attempts took, up to their heads. */
  upstreamMs = 0
  /** When the last of them was answered, in monotonic milliseconds. */
  answeredAt = -1
  /** From a cache, without waiting for an upstream. */
  isAnswered = false
  isUpgraded = false
  socket: SocketSeries | undefined

  constructor(active: Series) {
    this.active = active
  }
}

/** What a request ended with that is no success; empty for one that is, whatever it told the client. */
export function errorTypeOf({ outcome, status, error }: Summary, request: OpenRequest): string {
  if (outcome === 'aborted') return 'CLIENT_CLOSED'
  if (outcome === 'finished' && status < 500) return ''
  return error instanceof GatewayError ? error.code : (request.error ?? (outcome === 'failed' ? '_OTHER' : String(status)))
}
