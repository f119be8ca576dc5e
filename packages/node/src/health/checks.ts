import type { ReadinessCheck, ReadyzSettings } from './options.ts'

/** What a check found. */
export interface CheckResult {
  readonly ok: boolean
  readonly durationMs: number
  /** What it threw, or that it took too long. For those who may see it. */
  readonly reason?: string
}

/** Asks checks, all at the same time, and keeps what they found for a moment: however many ask, they are asked once. */
export class ReadinessChecks {
  private readonly settings: ReadyzSettings
  private readonly running = new Map<string, Promise<void>>()
  private isAsking = false
  private last: { readonly at: number; readonly results: Promise<Record<string, CheckResult>> } | undefined

  constructor(settings: ReadyzSettings) {
    this.settings = settings
  }

  results(): Promise<Record<string, CheckResult>> {
    const { clock, freshMs } = this.settings
    if (this.last && !this.isAsking && clock.now() - this.last.at >= freshMs) this.last = undefined
    this.last ??= { at: clock.now(), results: this.ask() }
    return this.last.results
  }

  private async ask(): Promise<Record<string, CheckResult>> {
    this.isAsking = true
    const entries = Object.entries(this.settings.checks)
    const found = await Promise.all(entries.map(async ([name, check]) => [name, await this.resultOf(name, check)] as const))
    this.isAsking = false
    return Object.fromEntries(found)
  }

  private async resultOf(name: string, check: ReadinessCheck): Promise<CheckResult> {
    const { clock, timeoutMs } = this.settings
    // One that does not end is not asked again and again: it would pile up.
    if (this.running.has(name)) return { ok: false, durationMs: 0, reason: 'the check before is still going on' }
    const startedAt = clock.now()
    const expiry = new AbortController()
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      cancel = clock.setTimer(() => {
        const error = new Error(`it took more than ${timeoutMs} ms`)
        expiry.abort(error)
        reject(error)
      }, timeoutMs)
    })
    try {
      const isWell = await Promise.race([this.run(name, check, expiry.signal), late])
      const durationMs = clock.now() - startedAt
      return isWell === false ? { ok: false, durationMs, reason: 'it is not' } : { ok: true, durationMs }
    } catch (error) {
      return { ok: false, durationMs: clock.now() - startedAt, reason: error instanceof Error ? error.message : 'it failed' }
    } finally {
      cancel()
    }
  }

  private run(name: string, check: ReadinessCheck, signal: AbortSignal): Promise<unknown> {
    const asked = (async () => check(signal))()
    const over = () => void this.running.delete(name)
    this.running.set(name, asked.then(over, over))
    return asked
  }
}
