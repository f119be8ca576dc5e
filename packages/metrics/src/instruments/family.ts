/** What a label says. The empty text: the label is not there. */
export type LabelValue = string | number

/** The labels of one series, by the names of OpenTelemetry. */
export type Labels = Readonly<Record<string, LabelValue>>

/** One kind of figure. */
export interface FamilySpec {
  /** As OpenTelemetry's conventions write it: `http.server.request.duration`. */
  readonly name: string
  /** `counter` only grows; `updown` goes up and down by events; `gauge` is what was seen last. */
  readonly kind: 'counter' | 'updown' | 'gauge' | 'histogram'
  /** In UCUM: `s`, `By`, `1`, or what is counted in braces, such as `{request}`. */
  readonly unit: string
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[]
}

/** What the labels of all series say for which there was no room. */
const OTHER = '_other'

/**
 * The series of one kind of figure, at most so many: what comes when all are there goes to one whose labels say `_other`. So
 * nothing that a client sends can fill the memory here, or that of who collects the figures.
 */
export class Family<T> {
  readonly spec: FamilySpec
  private readonly made: (labels: Labels) => T
  private readonly max: number
  private readonly series = new Map<string, { readonly labels: Labels; readonly item: T }>()
  private overflow: { readonly labels: Labels; readonly item: T } | undefined
  private whatIsGone: (() => (labels: Labels) => boolean) | undefined
  /** Called before the series are read, by who learns them only then. */
  refresh: () => void = () => {}

  constructor(spec: FamilySpec, max: number, made: (labels: Labels) => T) {
    this.spec = spec
    this.max = max
    this.made = made
  }

  /** The series of these values, in the order of the labels. */
  at(...values: readonly LabelValue[]): T {
    // No name that is given to a server, a route or a policy has NUL; one that does shares a series.
    const key = values.join('\0')
    return this.series.get(key)?.item ?? this.added(key, values)
  }

  /** Whether a series may be kept at hand by who asks for it often: the one of all others stands for too many. */
  mayKeep(item: T): boolean {
    return item !== this.overflow?.item
  }

  /** When there is no room, series of what is gone make room: never before, so that what was counted can be read. */
  forgetWhenFull(whatIsGone: () => (labels: Labels) => boolean): void {
    this.whatIsGone = whatIsGone
  }

  *read(): Iterable<{ readonly labels: Labels; readonly item: T }> {
    this.refresh()
    yield* this.series.values()
    if (this.overflow) yield this.overflow
  }

  clear(): void {
    this.series.clear()
    this.overflow = undefined
  }

  private added(key: string, values: readonly LabelValue[]): T {
    if (this.series.size >= this.max) this.sweep()
    if (this.series.size >= this.max) {
      this.overflow ??= this.entry(this.spec.labels.map(() => OTHER))
      return this.overflow.item
    }
    const entry = this.entry(values)
    this.series.set(key, entry)
    return entry.item
  }

  private entry(values: readonly LabelValue[]): { labels: Labels; item: T } {
    const pairs = this.spec.labels.map((name, at) => [name, values[at] ?? ''] as const)
    const labels = Object.freeze(Object.fromEntries(pairs.filter(([, value]) => value !== '')))
    return { labels, item: this.made(labels) }
  }

  private sweep(): void {
    // Once after something went: not for each request while there is no room.
    const isGone = this.whatIsGone?.()
    this.whatIsGone = undefined
    if (isGone) for (const [key, { labels }] of this.series) if (isGone(labels)) this.series.delete(key)
  }
}
