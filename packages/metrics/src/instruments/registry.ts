import type { MetricJson, MetricValueJson } from './exposition.ts'
import type { Family } from './family.ts'
import { prometheusLabel, prometheusName } from './prometheus-name.ts'
import type { Buckets, Series } from './series.ts'

/** The part of a registry of `prom-client` (15) or `@prometheus-io/client` that is used. */
export interface RegistryLike {
  registerMetric(metric: never): void
  removeSingleMetric(name: string): void
  getMetricsAsJSON(): Promise<readonly object[]>
  readonly contentType: string
}

/** The module with the registry that is used where none is named. */
export interface PrometheusModule {
  readonly register: RegistryLike
}

/**
 * A metric for a registry, which asks for its values when it is itself asked: until then nothing is copied, and a request pays for
 * no label that is written.
 */
export class RegisteredMetric {
  /** Registries cut it, for OpenMetrics. */
  name: string
  readonly help: string
  readonly type: string
  readonly aggregator = 'sum'
  private readonly values: () => MetricValueJson[]
  private readonly zero: () => void
  /** What it is called with all that belongs to it. */
  readonly fullName: string
  private readonly isOpen: () => boolean

  /** @param isOpen whether the registry writes OpenMetrics now */
  constructor(read: MetricSource, isOpen: () => boolean) {
    this.name = this.fullName = read.name
    this.help = read.help
    this.type = read.type
    this.values = read.values
    this.zero = read.zero
    this.isOpen = isOpen
  }

  async get(): Promise<MetricJson> {
    const { help, type, aggregator, fullName } = this
    // The registry puts `_total` behind a counter's name by itself there, and wants it without.
    const name = type === 'counter' && this.isOpen() ? fullName.replace(/_total$/, '') : fullName
    return { name, help, type, aggregator, values: this.values() }
  }

  reset(): void {
    this.zero()
  }
}

/** A family as a registry needs it. */
export interface MetricSource {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly values: () => MetricValueJson[]
  readonly zero: () => void
}

/** A counter or a gauge. */
export function numberSource(family: Family<Series>): MetricSource {
  const { spec } = family
  const labels = labelsOf()
  return {
    name: prometheusName(spec),
    help: spec.help,
    type: spec.kind === 'counter' ? 'counter' : 'gauge',
    values: () => Array.from(family.read(), ({ labels: own, item }) => ({ value: item.value, labels: labels(own) })),
    zero() {
      if (spec.kind === 'counter') for (const { item } of family.read()) item.value = 0
    },
  }
}

/** A histogram. */
export function histogramSource(family: Family<Buckets>): MetricSource {
  const { spec } = family
  const name = prometheusName(spec)
  const bounds = [...(spec.buckets ?? []), '+Inf'] as const
  const labels = labelsOf()
  return {
    name,
    help: spec.help,
    type: 'histogram',
    values: () => Array.from(family.read(), ({ labels: own, item }) => histogramValues(name, labels(own), bounds, item)).flat(),
    zero() {
      for (const { item } of family.read()) item.reset()
    },
  }
}

type PrometheusLabels = Readonly<Record<string, string | number>>

function histogramValues(
  name: string,
  labels: PrometheusLabels,
  bounds: readonly (number | string)[],
  { counts, exemplars, sum }: Buckets,
): MetricValueJson[] {
  let count = 0
  const values: MetricValueJson[] = bounds.map((le, at) => {
    count += counts[at] as number
    const exemplar = exemplars[at]
    return {
      metricName: `${name}_bucket`,
      value: count,
      labels: { le, ...labels },
      ...(exemplar && {
        exemplar: {
          labelSet: { trace_id: exemplar.trace.traceId, span_id: exemplar.trace.spanId },
          value: exemplar.value,
          timestamp: exemplar.at / 1_000,
        },
      }),
    }
  })
  return [...values, { metricName: `${name}_sum`, value: sum, labels }, { metricName: `${name}_count`, value: count, labels }]
}

/** Labels as Prometheus names them, made once for each series. */
function labelsOf(): (labels: object) => PrometheusLabels {
  const made = new WeakMap<object, PrometheusLabels>()
  return (labels) => {
    const found = made.get(labels)
    if (found) return found
    const named = Object.freeze(Object.fromEntries(Object.entries(labels).map(([name, value]) => [prometheusLabel(name), value])))
    made.set(labels, named)
    return named
  }
}
