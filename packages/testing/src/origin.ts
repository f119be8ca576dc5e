import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Fault } from './fault.ts'
import type { ReceivedRequest } from './received-request.ts'

/** Answers for an origin. What it throws becomes a 500 that says so. */
export type OriginHandler = (req: IncomingMessage, res: ServerResponse, origin: Origin) => void | Promise<void>

/** Takes over the socket of a request with `Upgrade`. */
export type UpgradeHandler = (req: IncomingMessage, socket: Socket, head: Buffer, origin: Origin) => void | Promise<void>

/** A real server on 127.0.0.1, of which a test sees everything. */
export interface Origin {
  /** Its place in the farm, from 0. */
  readonly id: number
  readonly port: number
  /** `http://127.0.0.1:<port>`, without a slash behind. */
  readonly url: string
  /** What came, oldest first; the last `keepRequests` of it. */
  readonly requests: readonly ReceivedRequest[]
  /** How many requests came, kept or not. */
  readonly hits: number
  /** Connections that are open now. */
  readonly sockets: number
  /** Connections that were accepted. */
  readonly connections: number
  /** What handlers threw, at most 100. */
  readonly errors: readonly unknown[]
  /** What it does wrong from the next request on. Undefined: nothing. */
  fault: Fault | undefined
  /** Who answers. */
  handler: OriginHandler
  /** Lets everything that a fault holds go on: delayed answers, hung bodies, uploads that are not read. */
  release(): void
  /** Kills it at once: nothing listens, every connection is closed. */
  stop(): Promise<void>
  /** Listens again on the same port. Resolves when it does, also after the fault `refuse` was taken back. */
  start(): Promise<void>
  /** As new: no fault, nothing recorded, the first handler, listening; open connections stay. */
  reset(): Promise<void>
  /**
   * Waits for a state: `await origin.when(() => origin.requests[0]?.aborted)`.
   * @param withinMs real milliseconds, default 5000; rejects then
   */
  when(condition: (origin: Origin) => unknown, withinMs?: number): Promise<void>
}
