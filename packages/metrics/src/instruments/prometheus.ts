import { GatewayError, type Handler } from '@gatelet/core'
import { Kit } from './kit.ts'
import { type PrometheusOptions, type PrometheusSettings, prometheusSettings } from './options.ts'
import { record } from './recorder.ts'
import { histogramSource, numberSource, RegisteredMetric, type RegistryLike } from './registry.ts'
import { scrape } from './scrape.ts'
import { Buckets } from './series.ts'

/** Figures for Prometheus, until they are closed. */
export interface PrometheusMetrics {
  /**
   * Answers with all figures, as OpenMetrics or as the older text, whichever is asked for. They tell names of routes and servers: place
   * it where that may be known.
   */
  readonly handler: Handler
  /** Counts no more, and leaves the registry. */
  close(): void
}

/**
 * Counts and times what all gateways of this process do, for Prometheus. A request pays for a few additions: labels are put together
 * when somebody asks for the figures. Begin before the balancers are made, which tell of their endpoints then.
 * @throws GatewayError `BAD_OPTION`, for a registry too that has figures of the same names
 * @example router.get('/metrics', prometheusMetrics({ registry: promClient }).handler)
 */
export function prometheusMetrics(given: PrometheusOptions = {}): PrometheusMetrics {
  const settings = prometheusSettings(given)
  const kit = new Kit(settings.maxSeries, bucketsFor(settings))
  const stop = record(kit)
  const { registry } = settings
  const isOpen = () => registry?.contentType.startsWith('application/openmetrics-text') ?? false
  // What is asked for it by us is written by us.
  const metrics = [...kit.numbers.map(numberSource), ...kit.histograms.map(histogramSource)].map(
    (source) => new RegisteredMetric(source, isOpen),
  )
  if (registry) {
    try {
      join(registry, metrics)
    } catch (error) {
      stop()
      throw error
    }
  }
  const all = registry ? () => registry.getMetricsAsJSON() : () => Promise.all(metrics.map((metric) => metric.get()))
  return {
    handler: scrape(all as Parameters<typeof scrape>[0], settings),
    close() {
      stop()
      if (registry) leave(registry, metrics)
    },
  }
}

function bucketsFor({ exemplars, clock }: PrometheusSettings): ConstructorParameters<typeof Kit<Buckets>>[1] {
  const date = exemplars ? () => clock.date() : undefined
  return ({ buckets = [] }) => new Buckets(buckets, date)
}

function join(registry: RegistryLike, metrics: readonly RegisteredMetric[]): void {
  const joined: RegisteredMetric[] = []
  try {
    for (const metric of metrics) {
      registry.registerMetric(metric as never)
      joined.push(metric)
    }
  } catch (cause) {
    leave(registry, joined)
    const message = 'prometheusMetrics: registry must be one without figures of the same names (got one that has them)'
    throw new GatewayError('BAD_OPTION', { path: 'registry', message, cause })
  }
}

function leave(registry: RegistryLike, metrics: readonly RegisteredMetric[]): void {
  for (const { fullName } of metrics) registry.removeSingleMetric(fullName)
}
