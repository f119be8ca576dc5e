import type { Clock } from '@gatelet/core'
import type { EndpointState } from '../endpoint.ts'
import type { Snapshot } from '../membership.ts'
import { rampAt, type SlowStartRules, STEPS } from './ramp.ts'

/**
 * Lets endpoints that come new, or come back, take up their weight by and by. No timer runs: a step is taken when somebody is
 * to be picked and its time has come, all endpoints at once, so that strategies see at most 20 changes of weights in a window.
 */
export class SlowStart {
  private readonly clock: Clock
  private readonly rules: SlowStartRules
  private readonly startedAt = new Map<EndpointState, number>()
  private before: Snapshot = { members: [], rotation: new Set() }
  private nextStepAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock, rules: SlowStartRules) {
    this.clock = clock
    this.rules = rules
  }

  /**
   * Looks who is new in a snapshot, and sets their weights.
   * @param isFirst nobody is to start slowly: these have been there before we came to know them
   */
  update(snapshot: Snapshot, isFirst: boolean): void {
    const { before } = this
    this.before = snapshot
    const inhabited = new Set([...before.rotation].map(({ priority }) => priority))
    for (const endpoint of this.startedAt.keys()) if (!snapshot.rotation.has(endpoint)) this.end(endpoint)
    if (isFirst) return
    for (const endpoint of snapshot.rotation) {
      // Where nobody was, nobody can take the load for it meanwhile: so no set starts slowly as a whole.
      if (before.rotation.has(endpoint) || !inhabited.has(endpoint.priority)) continue
      // It comes back before its time because nobody is better: it is needed now.
      if (endpoint.consecutiveFailures > 0) continue
      this.begin(endpoint)
    }
  }

  /** @returns whether weights changed */
  step(): boolean {
    if (this.startedAt.size === 0) return false
    const now = this.clock.now()
    if (now < this.nextStepAt) return false
    for (const [endpoint, startedAt] of this.startedAt) {
      const ramp = rampAt(now - startedAt, this.rules)
      if (ramp === 1) this.end(endpoint)
      else endpoint.setRamp(ramp)
    }
    this.nextStepAt = now + this.rules.windowMs / STEPS
    return true
  }

  private begin(endpoint: EndpointState): void {
    const now = this.clock.now()
    if (this.startedAt.size === 0) this.nextStepAt = now + this.rules.windowMs / STEPS
    this.startedAt.set(endpoint, now)
    endpoint.setRamp(rampAt(0, this.rules))
  }

  private end(endpoint: EndpointState): void {
    this.startedAt.delete(endpoint)
    endpoint.setRamp(1)
  }
}
