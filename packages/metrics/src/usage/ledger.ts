import { randomUUID } from 'node:crypto'
import { guarded } from '@gatelet/core'
import type { BillingSettings } from './options.ts'
import { Tally, type UsageTally, type UsedRequest } from './tally.ts'

/** What one consumer used in a time. */
export interface ConsumerUsage extends UsageTally {
  /** Null for requests of nobody known. */
  readonly consumer: string | null
}

/** What all consumers used in a time: exact, and each request is in one record of this process only. */
export interface UsageRecord {
  /** A UUID: whoever writes records down by it can write one twice without harm. */
  readonly id: string
  /** When the first request that it has may have ended, in the form of RFC 3339. */
  readonly from: string
  /** When it was made. */
  readonly to: string
  /**
   * `closed`: the time was over. `full`: `maxConsumers` had been met, and another one came: one more record for the same time will
   * follow. `stopped`: counting has ended.
   */
  readonly reason: 'closed' | 'full' | 'stopped'
  readonly total: UsageTally
  readonly consumers: readonly ConsumerUsage[]
}

/** Counts for bills: exactly, in bounded memory, since a table that is full is handed over and begun again. */
export class Ledger {
  private readonly settings: BillingSettings
  private tallies = new Map<string | null, Tally>()
  private from: number
  private cancelTimer: () => void = () => {}

  constructor(settings: BillingSettings) {
    this.settings = settings
    this.from = settings.clock.date()
    this.waitForEnd()
  }

  count(request: UsedRequest): void {
    const tally = this.tallies.get(request.consumer) ?? this.added(request.consumer)
    tally.count(request)
  }

  close(): void {
    this.cancelTimer()
    this.handOver('stopped')
  }

  private added(consumer: string | null): Tally {
    if (this.tallies.size >= this.settings.maxConsumers) this.handOver('full')
    const tally = new Tally()
    this.tallies.set(consumer, tally)
    return tally
  }

  // Times end on the clock: with an hour, at 10:00 and 11:00, whenever the process began.
  private waitForEnd(): void {
    const { clock, windowMs } = this.settings
    this.cancelTimer = clock.setTimer(
      () => {
        this.handOver('closed')
        this.waitForEnd()
      },
      windowMs - (clock.date() % windowMs),
    )
  }

  private handOver(reason: UsageRecord['reason']): void {
    const { clock, onWindow } = this.settings
    const [tallies, from, to] = [this.tallies, this.from, clock.date()]
    this.from = to
    if (tallies.size === 0) return
    // Begun again first: what the function does is counted in the next one, and what it throws costs nothing of it.
    this.tallies = new Map()
    const total = new Tally()
    for (const tally of tallies.values()) total.add(tally)
    const consumers = [...tallies].map(([consumer, tally]) => ({ consumer, ...tally }))
    const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
    guarded(onWindow, { id: randomUUID(), ...times, reason, total: { ...total }, consumers }, 'usage (billing.onWindow)')
  }
}
