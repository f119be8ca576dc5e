import type { Socket } from 'node:net'
import type { GatewayError } from '@gatelet/core'

/** After how many milliseconds a connection is given up. */
export interface SweepLimits {
  /** Between two requests. */
  readonly idleMs: number
  /** In the middle of a message; 0: never. */
  readonly stallMs: number
}

/** What goes on in a connection. */
interface OpenExchange {
  drain(cutAt: number): void
  cut(error: GatewayError): void
}

/** What the sweep and the closing of a server need to know of a connection, whatever it speaks. */
export interface OpenConnection {
  readonly socket: Socket
  readonly exchanges: ReadonlySet<OpenExchange>
  /** Bytes that came in or were taken by the other end. */
  readonly progress: number
  /** Called now and then: gives up what is idle, or whose client stopped in the middle of a message. */
  look(now: number, limits: SweepLimits): void
  /**
   * Tells the client, where the protocol can, that no more requests are taken here; and what goes on, that it is cut at `cutAt`
   * (monotonic milliseconds).
   */
  drain(cutAt: number): void
  /** Nothing is going on any more. */
  closeIdle(): void
}
