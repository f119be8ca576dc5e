import type { Family, FamilySpec, Labels } from './family.ts'
import { Kit } from './kit.ts'
import type { MeterLike, ObserverLike } from './metrics-api.ts'
import { type OpenTelemetryMetricsOptions, openTelemetrySettings } from './options.ts'
import { record } from './recorder.ts'
import type { Distribution, Series } from './series.ts'

/**
 * Gives figures of all gateways of this process to OpenTelemetry: counters when they are collected, durations as they come. What the
 * SDK throws is a warning of the process, once, and never a request's concern.
 * @throws GatewayError `BAD_OPTION`
 * @example openTelemetryMetrics({ api: await import('@opentelemetry/api') })
 */
export function openTelemetryMetrics(given: OpenTelemetryMetricsOptions): { close(): void } {
  const { api, maxSeries } = openTelemetrySettings(given)
  const meter = api.metrics.getMeter('gatelet')
  const kit = new Kit(maxSeries, histogramsOf(meter))
  const stop = record(kit)
  const undo = kit.numbers.map((family) => observed(meter, family))
  return {
    close() {
      stop()
      for (const each of undo) each()
    },
  }
}

function histogramsOf(meter: MeterLike): (spec: FamilySpec, labels: Labels) => Distribution {
  const made = new Map<FamilySpec, ReturnType<MeterLike['createHistogram']>>()
  let hasWarned = false
  return (spec, labels) => {
    const histogram = made.get(spec) ?? meter.createHistogram(spec.name, optionsOf(spec))
    made.set(spec, histogram)
    return {
      observe(value) {
        try {
          histogram.record(value, labels)
        } catch (error) {
          if (!hasWarned)
            process.emitWarning(
              `a meter of OpenTelemetry threw: ${error instanceof Error ? error.stack : String(error)}`,
              'GateletWarning',
            )
          hasWarned = true
        }
      },
    }
  }
}

function observed(meter: MeterLike, family: Family<Series>): () => void {
  const { spec } = family
  const observable = makers[spec.kind as keyof typeof makers](meter, spec)
  const tell = (result: ObserverLike) => {
    for (const { labels, item } of family.read()) result.observe(item.value, labels)
  }
  observable.addCallback(tell)
  return () => observable.removeCallback(tell)
}

const makers = {
  counter: (meter: MeterLike, spec: FamilySpec) => meter.createObservableCounter(spec.name, optionsOf(spec)),
  updown: (meter: MeterLike, spec: FamilySpec) => meter.createObservableUpDownCounter(spec.name, optionsOf(spec)),
  gauge: (meter: MeterLike, spec: FamilySpec) => meter.createObservableGauge(spec.name, optionsOf(spec)),
}

const optionsOf = ({ help, unit, buckets }: FamilySpec) => ({
  description: help,
  unit,
  ...(buckets ? { advice: { explicitBucketBoundaries: [...buckets] } } : {}),
})
