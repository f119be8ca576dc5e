import type { Round } from './contender.ts'
import { quantile } from './statistics.ts'

/** All rounds of each subject, in order, by its id. */
export type Rounds = ReadonlyMap<string, readonly Round[]>

/** What all rounds of one subject say together. NaN where no round counted. */
export interface Row {
  readonly subject: string
  /** CPU time for each request over all turns, in microseconds: lower quartile and median. */
  readonly lowerQuartileUs: number
  readonly medianUs: number
  readonly timesBare: Ratio
  readonly timesHttpProxy: Ratio
  /** Median. */
  readonly requestsPerSecond: number
  readonly counted: number
  readonly rounds: number
  readonly failed: number
  /** Why rounds did not count. */
  readonly faults: readonly string[]
}

/** The cost of one subject as a multiple of another's: turn by turn, so that what disturbed both at a time cancels out. */
export interface Ratio {
  readonly median: number
  /** Of the medians of each round: how far starts of the same two programs differ. */
  readonly least: number
  readonly most: number
}

/** One row for each subject. */
export function summarize(all: Rounds): Row[] {
  return [...all].map(([subject, rounds]) => {
    const good = rounds.filter(counts)
    const samples = good.flatMap((round) => round.samples)
    const costs = samples.map(({ cpuUs }) => cpuUs)
    return {
      subject,
      lowerQuartileUs: quantile(costs, 0.25),
      medianUs: quantile(costs, 0.5),
      timesBare: ratio(rounds, all.get('bare') ?? []),
      timesHttpProxy: ratio(rounds, all.get('http-proxy') ?? []),
      requestsPerSecond: quantile(
        samples.map(({ requestsPerSecond }) => requestsPerSecond),
        0.5,
      ),
      counted: good.length,
      rounds: rounds.length,
      failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
      faults: rounds.flatMap(({ fault }) => fault ?? []),
    }
  })
}

/**
 * How wrong a ratio of this run may be, as a share: how far two processes of the same program are apart, or how unsure that is
 * by the spread of its rounds, whichever is more. NaN when they have no round in common that counts.
 */
export function noise(rows: readonly Row[]): number {
  const control = rows.find(({ subject }) => subject === 'control')
  if (!control) return Number.NaN
  const { median, least, most } = control.timesBare
  return Math.max(Math.abs(median - 1), (most - least) / 2 / Math.sqrt(control.counted))
}

const counts = ({ fault }: Round) => fault === undefined

/** How the cost of one stands to that of another. */
export function ratio(rounds: readonly Round[], base: readonly Round[]): Ratio {
  const byRound = rounds.flatMap((round, i) => {
    const other = base[i]
    return other && counts(round) && counts(other) ? [turnByTurn(round, other)] : []
  })
  const medians = byRound.map((ratios) => quantile(ratios, 0.5))
  return { median: quantile(byRound.flat(), 0.5), least: quantile(medians, 0), most: quantile(medians, 1) }
}

function turnByTurn(round: Round, base: Round): number[] {
  return round.samples.map(({ cpuUs }, turn) => cpuUs / (base.samples[turn]?.cpuUs ?? Number.NaN))
}
