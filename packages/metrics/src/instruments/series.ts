import type { Context } from '@gatelet/core'

/** One figure. */
export class Series {
  value = 0
}

/** The trace that a measured request belongs to. */
export interface TraceOfRequest {
  readonly traceId: string
  readonly spanId: string
  readonly isSampled: boolean
}

/** The trace that a layer has put a request into; undefined where none has. */
export function traceOf({ state }: Context): TraceOfRequest | undefined {
  return (state as { readonly trace?: TraceOfRequest }).trace
}

/** Takes what was measured. */
export interface Distribution {
  observe(value: number, trace?: TraceOfRequest | undefined): void
}

/** One measured value, with where to look for more. */
export interface Exemplar {
  readonly trace: TraceOfRequest
  readonly value: number
  /** Wall-clock milliseconds. */
  readonly at: number
}

/** How often values fell between the bounds, and their sum. */
export class Buckets implements Distribution {
  /** One more than there are bounds: the last takes what is above all of them. */
  readonly counts: number[]
  /** The last one of each bucket, where there is one. */
  readonly exemplars: (Exemplar | undefined)[] = []
  sum = 0
  private readonly bounds: readonly number[]
  private readonly date: (() => number) | undefined

  /** @param date the wall clock, for exemplars; without it none are kept */
  constructor(bounds: readonly number[], date: (() => number) | undefined) {
    this.bounds = bounds
    this.date = date
    this.counts = new Array(bounds.length + 1).fill(0)
  }

  observe(value: number, trace?: TraceOfRequest): void {
    const { bounds } = this
    // Nearly all requests are quick, and the bounds few: looking at each from below is the shortest way.
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    ;(this.counts[at] as number)++
    this.sum += value
    if (trace?.isSampled && this.date) this.exemplars[at] = { trace, value, at: this.date() }
  }

  reset(): void {
    this.counts.fill(0)
    this.exemplars.length = 0
    this.sum = 0
  }
}
