import type { GatewayError } from '@gatelet/core'

/** The one who asks: there until it leaves. */
export class TestClient {
  #reason: GatewayError | undefined
  #left: ((reason: GatewayError) => void) | undefined

  leave(reason: GatewayError): void {
    if (this.#reason) return
    this.#reason = reason
    this.#left?.(reason)
  }

  /** Calls back when it leaves, at once when it has left. One who listens is enough: there is one reply. */
  whenLeft(listener: (reason: GatewayError) => void): void {
    if (this.#reason) listener(this.#reason)
    else this.#left = listener
  }
}
