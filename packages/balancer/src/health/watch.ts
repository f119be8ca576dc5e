import type { EndpointState } from '../endpoint.ts'
import type { Probe } from './probe.ts'

/** The checks of one endpoint: where they stand. */
export class Watch {
  readonly endpoint: EndpointState
  readonly probe: Probe
  /** The last probe has not ended, though its time is over. */
  isStuck = false
  /** Results in a row that were doubtful. */
  doubts = 0
  isOver = false
  private running: AbortController | undefined
  private cancelTimer: (() => void) | undefined
  private attemptsSeen = -1

  constructor(endpoint: EndpointState, probe: Probe) {
    this.endpoint = endpoint
    this.probe = probe
  }

  get isRunning(): boolean {
    return this.running !== undefined
  }

  /** Whether requests came since this was asked last. */
  takeTraffic(): boolean {
    const before = this.attemptsSeen
    this.attemptsSeen = this.endpoint.attempts
    return before !== this.attemptsSeen || this.endpoint.inflight > 0
  }

  begin(): AbortController {
    this.running = new AbortController()
    return this.running
  }

  /** @returns whether it was not stopped meanwhile */
  end(run: AbortController): boolean {
    if (this.running !== run) return false
    this.running = undefined
    return true
  }

  /** @param cancel of the timer of the next check */
  wait(cancel: () => void): void {
    this.cancelTimer = cancel
  }

  /** Stops what is planned and what is under way. */
  pause(): void {
    this.cancelTimer?.()
    this.cancelTimer = undefined
    this.running?.abort()
    this.running = undefined
  }

  /** For good. */
  stop(): void {
    this.isOver = true
    this.pause()
    this.probe.close()
  }
}
