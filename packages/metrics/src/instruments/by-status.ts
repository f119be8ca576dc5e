import type { Family, LabelValue } from './family.ts'
import type { Distribution } from './series.ts'

/** Series of one family by method and status, at hand: finding them by their labels would be most of what a request costs here. */
export class ByStatus {
  private readonly family: Family<Distribution>
  private readonly labels: (method: string, status: number) => readonly LabelValue[]
  private readonly kept = new Map<string, Map<number, Distribution>>()

  /** @param labels what the other labels are */
  constructor(family: Family<Distribution>, labels: (method: string, status: number) => readonly LabelValue[]) {
    this.family = family
    this.labels = labels
  }

  at(method: string, status: number): Distribution {
    return this.kept.get(method)?.get(status) ?? this.found(method, status)
  }

  private found(method: string, status: number): Distribution {
    const series = this.family.at(...this.labels(method, status))
    if (!this.family.mayKeep(series)) return series
    const statuses = this.kept.get(method) ?? new Map<number, Distribution>()
    this.kept.set(method, statuses.set(status, series))
    return series
  }
}
