import { type Checks, type Clock, type Context, checkOptions, options, systemClock } from '@gatelet/core'
import type { UsageRecord } from './ledger.ts'

/** One span of time up to now. */
export interface UsageWindowOptions {
  /** How it is called in a snapshot. */
  name: string
  /** In milliseconds, 1,000 to 2,678,400,000 (31 days). */
  lengthMs: number
  /** In how many parts it slides on: 1 to 120. Each has its own histogram (23 KB) and tables. Default 60. */
  parts?: number
}

/** How usage is handed over to who writes bills. */
export interface BillingOptions {
  /**
   * Takes what consumers used in a time that is over. It gets each record once: what it cannot write down is its own to keep. What it
   * throws, or rejects with, is a warning of the process.
   */
  onWindow: (record: UsageRecord) => void | Promise<void>
  /** How long such a time is, in milliseconds, 1,000 to 86,400,000. It ends when the wall clock is at a multiple. Default 3,600,000. */
  windowMs?: number
  /** How many consumers are counted at most before a record is handed over early, 1 to 1,000,000. Default 10,000. */
  maxConsumers?: number
}

/** What is counted, and for how long. */
export interface UsageOptions {
  /**
   * Who is asking, by what the request itself says; undefined: whom `auth` has proved. It is asked once the request is over. For what
   * layers know, there is `usage.identify`. Default: whom `auth` has proved.
   */
  consumer?: (ctx: Context) => string | undefined
  /** At most 4. Default: `minute`, by the second, and `hour`, by the minute. */
  windows?: readonly UsageWindowOptions[]
  /** How many consumers, and routes, a snapshot lists, 1 to 1,000. Default 20. */
  top?: number
  /**
   * How many consumers, and routes, are watched in each part of a window, 1 to 10,000. After n requests in it, who made more than
   * n / `watched` is among them. Default 100.
   */
  watched?: number
  /** Default: nobody writes bills. */
  billing?: BillingOptions
  /** Where time comes from. */
  clock?: Clock
}

/** Checked, with its defaults. */
export type UsageWindowSettings = Readonly<Required<UsageWindowOptions>>

/** Checked, with its defaults. */
export interface BillingSettings extends Readonly<Required<BillingOptions>> {
  readonly clock: Clock
}

/** Checked, with every default filled in. */
export interface UsageSettings {
  readonly consumer: (ctx: Context) => string | undefined
  readonly windows: readonly UsageWindowSettings[]
  readonly top: number
  readonly watched: number
  readonly billing: BillingSettings | undefined
  readonly clock: Clock
}

const { fn, list, number, optional, shape, string, wrong } = options

const windowChecks: Checks<UsageWindowOptions> = {
  name: string,
  lengthMs: number({ min: 1_000, max: 2_678_400_000, unit: 'milliseconds' }),
  parts: optional(number({ min: 1, max: 120, integer: true })),
}

const billingChecks: Checks<BillingOptions> = {
  onWindow: fn<BillingOptions['onWindow']>('a function of a record'),
  windowMs: optional(number({ min: 1_000, max: 86_400_000, unit: 'milliseconds' })),
  maxConsumers: optional(number({ min: 1, max: 1_000_000, integer: true })),
}

const windows: options.Check<readonly UsageWindowOptions[]> = (value, path) => {
  const checked = list(shape(windowChecks), { min: 1, max: 4 })(value, path)
  const names = checked.map(({ name }) => name)
  const again = names.findIndex((name, at) => names.indexOf(name) !== at)
  if (again >= 0) throw wrong(names[again], `${path}[${again}].name`, 'a name that no other window has')
  return checked
}

const checks: Checks<UsageOptions> = {
  consumer: optional(fn<NonNullable<UsageOptions['consumer']>>('a function of a context')),
  windows: optional(windows),
  top: optional(number({ min: 1, max: 1_000, integer: true })),
  watched: optional(number({ min: 1, max: 10_000, integer: true })),
  billing: optional(shape(billingChecks)),
  clock: optional(options.clock),
}

/** @throws GatewayError `BAD_OPTION` */
export function usageSettings(given: UsageOptions): UsageSettings {
  const checked = checkOptions('usage', given, checks)
  const { clock = systemClock, billing, windows = minuteAndHour } = checked
  return {
    consumer: () => undefined,
    top: 20,
    watched: 100,
    ...checked,
    windows: windows.map((window) => ({ parts: 60, ...window })),
    billing: billing && { windowMs: 3_600_000, maxConsumers: 10_000, ...billing, clock },
    clock,
  }
}

const minuteAndHour: readonly UsageWindowOptions[] = [
  { name: 'minute', lengthMs: 60_000 },
  { name: 'hour', lengthMs: 3_600_000 },
]
