import { GatewayError } from '@gatelet/core'
import type { Call } from './connections.ts'
import type { ProxySettings } from './options.ts'

interface Waiting {
  readonly call: Call
  readonly leave: () => void
}

/** Calls that wait for a connection to one endpoint, in the order of their coming; no more and no longer than the settings say. */
export class WaitingCalls {
  private readonly settings: ProxySettings
  private readonly entries = new Set<Waiting>()

  constructor(settings: ProxySettings) {
    this.settings = settings
  }

  get size(): number {
    return this.entries.size
  }

  add(call: Call): void {
    const { maxQueued, queueMs, clock } = this.settings
    if (this.entries.size >= maxQueued) {
      call.refused(new GatewayError('QUEUE_FULL'))
      return
    }
    const entry = {
      call,
      leave: () => {
        cancel()
        this.entries.delete(entry)
      },
    }
    const expire = () => {
      this.entries.delete(entry)
      call.refused(new GatewayError('QUEUE_TIMEOUT'))
    }
    const cancel = clock.setTimer(expire, Math.min(queueMs, call.timeLeft))
    this.entries.add(entry)
    call.queued(entry.leave)
  }

  /** Gives calls away, the oldest first, as long as `find` has something for them. */
  serve<T>(find: (call: Call) => T | undefined, give: (call: Call, to: T) => void): void {
    for (const { call, leave } of this.entries) {
      const found = find(call)
      if (found === undefined) return
      leave()
      give(call, found)
    }
  }

  /** Nobody is served any more. */
  close(): void {
    for (const { call, leave } of this.entries) {
      leave()
      call.refused(new GatewayError('DRAINING'))
    }
  }
}
