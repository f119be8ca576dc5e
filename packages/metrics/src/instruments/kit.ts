import { Family, type FamilySpec, type Labels } from './family.ts'
import { type Distribution, Series } from './series.ts'

/** Bounds for seconds, as OpenTelemetry's conventions for HTTP have them. */
const SECONDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Bounds for what lasts: connections. */
export const LONG_SECONDS: readonly number[] = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400]

/** What an instrument is, besides its kind. */
type About = Pick<FamilySpec, 'name' | 'unit' | 'help' | 'labels'>

/** Makes the instruments that events are recorded with. What reads them is somebody else's matter. */
export class Kit<D extends Distribution = Distribution> {
  readonly numbers: Family<Series>[] = []
  readonly histograms: Family<D>[] = []
  private readonly maxSeries: number
  private readonly distribution: (spec: FamilySpec, labels: Labels) => D

  /** @param maxSeries of each family @param distribution what takes the values of a histogram's series */
  constructor(maxSeries: number, distribution: (spec: FamilySpec, labels: Labels) => D) {
    this.maxSeries = maxSeries
    this.distribution = distribution
  }

  counter(about: About): Family<Series> {
    return this.number({ ...about, kind: 'counter' })
  }

  updown(about: About): Family<Series> {
    return this.number({ ...about, kind: 'updown' })
  }

  gauge(about: About): Family<Series> {
    return this.number({ ...about, kind: 'gauge' })
  }

  histogram(about: About, buckets: readonly number[] = SECONDS): Family<D> {
    const spec: FamilySpec = { ...about, kind: 'histogram', buckets }
    const family = new Family<D>(spec, this.maxSeries, (labels) => this.distribution(spec, labels))
    this.histograms.push(family)
    return family
  }

  private number(spec: FamilySpec): Family<Series> {
    const family = new Family<Series>(spec, this.maxSeries, () => new Series())
    this.numbers.push(family)
    return family
  }
}
