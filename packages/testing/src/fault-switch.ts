import type { Socket } from 'node:net'
import type { Fault } from './fault.ts'
import { checkedFault } from './fault-checks.ts'

/** The fault that is switched on, and for how many requests more. */
export class FaultSwitch {
  current: Fault | undefined
  #left = 0
  readonly #used = new WeakSet<Socket>()

  /** @throws GatewayError `BAD_OPTION` */
  set(fault: Fault | undefined): void {
    this.current = checkedFault(fault)
    this.#left = fault && fault.kind !== 'refuse' ? (fault.times ?? Number.POSITIVE_INFINITY) : 0
  }

  /** What a request on this connection meets. */
  meet(socket: Socket): Fault | undefined {
    const isReused = this.#used.has(socket)
    this.#used.add(socket)
    const fault = this.current
    if (!fault || this.#left <= 0 || (fault.kind === 'close-on-reuse' && !isReused)) return undefined
    this.#left--
    return fault
  }
}
