import type { Round } from './measure.ts'
import { quantile } from './statistics.ts'

/** All rounds of each subject, in order, by its id. */
export type Rounds = ReadonlyMap<string, readonly Round[]>

/** What all rounds of one subject say together. NaN where no round counted. */
export interface Row {
  readonly subject: string
  /** CPU time for each request over all samples, in microseconds: lower quartile and median. */
  readonly lowerQuartileUs: number
  readonly medianUs: number
  /** Lower quartile as a multiple of that of the bare proxy, and of http-proxy. */
  readonly timesBare: number
  readonly timesHttpProxy: number
  /** The same within each round, where what disturbs both is more alike: the median, the least and the most. */
  readonly timesBareByRound: readonly [median: number, least: number, most: number]
  readonly requestsPerSecond: number
  readonly counted: number
  readonly rounds: number
  readonly failed: number
  /** Why rounds did not count. */
  readonly faults: readonly string[]
}

/** One row for each subject. */
export function summarize(all: Rounds): Row[] {
  return [...all].map(([subject, rounds]) => {
    const lowerQuartileUs = cost(rounds, 0.25)
    const byRound = ratios(rounds, all.get('bare') ?? [])
    const good = rounds.filter(counts)
    return {
      subject,
      lowerQuartileUs,
      medianUs: cost(rounds, 0.5),
      timesBare: lowerQuartileUs / cost(all.get('bare') ?? [], 0.25),
      timesHttpProxy: lowerQuartileUs / cost(all.get('http-proxy') ?? [], 0.25),
      timesBareByRound: [quantile(byRound, 0.5), quantile(byRound, 0), quantile(byRound, 1)],
      requestsPerSecond: quantile(
        good.flatMap(({ samples }) => samples.map(({ requestsPerSecond }) => requestsPerSecond)),
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
 * How far two processes of the same program are apart, as a share: over all samples or within the rounds, whichever is more.
 * NaN when one of them has no round that counts.
 */
export function noise(rows: readonly Row[]): number {
  const control = rows.find(({ subject }) => subject === 'control')
  if (!control) return Number.NaN
  return Math.max(Math.abs(control.timesBare - 1), Math.abs(control.timesBareByRound[0] - 1))
}

const counts = ({ fault }: Round) => fault === undefined

function cost(rounds: readonly Round[], q: number): number {
  return quantile(
    rounds.filter(counts).flatMap(({ samples }) => samples.map(({ cpuUs }) => cpuUs)),
    q,
  )
}

function ratios(rounds: readonly Round[], base: readonly Round[]): number[] {
  return rounds.flatMap((round, i) => {
    const other = base[i]
    return other && counts(round) && counts(other) ? cost([round], 0.25) / cost([other], 0.25) : []
  })
}
