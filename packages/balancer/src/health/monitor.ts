import type { Clock } from '@gatelet/core'
import type { EndpointState } from '../endpoint.ts'
import type { TimingRules } from './options.ts'
import type { ProbeFactory } from './probe.ts'
import type { CheckResult } from './record.ts'
import { runCheck } from './run-check.ts'
import { Watch } from './watch.ts'

/** What a monitor lives by. */
export interface MonitorInit {
  readonly rules: TimingRules
  readonly probe: ProbeFactory
  readonly clock: Clock
  readonly onResult: (endpoint: EndpointState, result: CheckResult) => void
}

/** So many doubtful results in a row are believed after all: a server that hangs must not hide behind a busy process. */
const MAX_DOUBTS = 3

/** Checks endpoints for as long as they are members, at most `concurrency` at the same time. */
export class Monitor {
  readonly rules: TimingRules
  private readonly init: MonitorInit
  private readonly watches = new Map<EndpointState, Watch>()
  private readonly due: Watch[] = []
  private readonly waiting = new Set<() => void>()
  private running = 0
  private isPaused = false
  private isClosed = false

  constructor(init: MonitorInit) {
    this.init = init
    this.rules = init.rules
  }

  /** Checks those that are new at once, and those that are gone no more. */
  follow(members: readonly EndpointState[]): void {
    const stay = new Set(members)
    for (const [endpoint, watch] of this.watches) if (!stay.has(endpoint)) this.drop(endpoint, watch)
    for (const endpoint of members) if (!this.watches.has(endpoint)) this.begin(endpoint)
    this.settle()
  }

  /** Resolves when every endpoint has had its first result, or nothing is checked any more. */
  first(): Promise<void> {
    if (this.isSettled) return Promise.resolve()
    return new Promise((resolve) => void this.waiting.add(resolve))
  }

  /** Stops checking, or begins again with a check of all. What is known stays. */
  setRunning(isRunning: boolean): void {
    if (this.isClosed || isRunning !== this.isPaused) return
    this.isPaused = !isRunning
    this.due.length = 0
    for (const watch of this.watches.values()) {
      if (this.isPaused) watch.pause()
      else this.enqueue(watch)
    }
    this.settle()
  }

  close(): void {
    this.isClosed = true
    this.due.length = 0
    for (const watch of this.watches.values()) watch.stop()
    this.watches.clear()
    this.settle()
  }

  private begin(endpoint: EndpointState): void {
    if (this.isClosed) return
    const probe = this.init.probe(endpoint)
    if (!probe) {
      endpoint.checks.exempt()
      return
    }
    const watch = new Watch(endpoint, probe)
    this.watches.set(endpoint, watch)
    if (!this.isPaused) this.enqueue(watch)
  }

  private drop(endpoint: EndpointState, watch: Watch): void {
    watch.stop()
    this.watches.delete(endpoint)
    const at = this.due.indexOf(watch)
    if (at >= 0) this.due.splice(at, 1)
  }

  private enqueue(watch: Watch): void {
    this.due.push(watch)
    // Not at once: this may be in the middle of a change of the members, and a check is the user's code.
    queueMicrotask(() => this.runDue())
  }

  private runDue(): void {
    while (this.running < this.rules.concurrency) {
      const watch = this.due.shift()
      if (!watch) return
      if (!watch.isRunning) void this.run(watch)
    }
  }

  private async run(watch: Watch): Promise<void> {
    const { rules, init } = this
    const { clock } = init
    this.running++
    const stop = watch.begin()
    const { result, isDoubtful, ended } = watch.isStuck
      ? { result: stuck(clock.now()), isDoubtful: false, ended: undefined }
      : await runCheck(watch.probe, rules.timeoutMs, clock, stop)
    this.running--
    // Of one that was stopped, what it found is what stopping did to it.
    if (watch.end(stop)) {
      if (ended !== undefined) this.awaitEnd(watch, ended)
      this.learn(watch, result, isDoubtful)
    }
    this.runDue()
  }

  private awaitEnd(watch: Watch, ended: Promise<void>): void {
    watch.isStuck = true
    void ended.then(() => {
      watch.isStuck = false
    })
  }

  private learn(watch: Watch, result: CheckResult, isDoubtful: boolean): void {
    watch.doubts = isDoubtful ? watch.doubts + 1 : 0
    const isBelieved = watch.doubts === 0 || watch.doubts > MAX_DOUBTS
    if (isBelieved) this.init.onResult(watch.endpoint, result)
    // A listener may have removed it.
    if (watch.isOver || this.isPaused) return
    watch.wait(this.init.clock.setTimer(() => this.enqueue(watch), this.delay(watch)))
    this.settle()
  }

  private delay(watch: Watch): number {
    const { intervalMs, idleIntervalMs, failingIntervalMs, jitter } = this.rules
    const isBusy = watch.takeTraffic()
    const { isSettled } = watch.endpoint.checks
    const base = isSettled && watch.doubts === 0 ? (isBusy ? intervalMs : idleIntervalMs) : failingIntervalMs
    return base * (1 + jitter * (2 * this.init.clock.random() - 1))
  }

  private get isSettled(): boolean {
    if (this.isClosed || this.isPaused) return true
    for (const { endpoint } of this.watches.values()) if (endpoint.checks.last === undefined) return false
    return true
  }

  private settle(): void {
    if (this.waiting.size === 0 || !this.isSettled) return
    for (const resolve of this.waiting) resolve()
    this.waiting.clear()
  }
}

const stuck = (at: number): CheckResult => ({ passed: false, at, latencyMs: 0, error: 'the check before has not ended yet' })
