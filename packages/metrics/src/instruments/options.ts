import { type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import type { MetricsApi } from './metrics-api.ts'
import type { PrometheusModule, RegistryLike } from './registry.ts'

/** How figures are kept for Prometheus. */
export interface PrometheusOptions {
  /**
   * The registry that they join, for those of the application beside them: `register` of `prom-client` (15), a `Registry`, or the module
   * itself; the same of `@prometheus-io/client`. Default: none is needed.
   */
  registry?: RegistryLike | PrometheusModule
  /** How many series each family has at most, 1 to 100,000. What comes beyond is counted in one whose labels say `_other`. Default 2,000. */
  maxSeries?: number
  /** Whether the last trace of each bucket is kept, where `trace` records them, and told in OpenMetrics. Default true. */
  exemplars?: boolean
  /** How long a registry may take to tell its figures, in milliseconds; then 503 is the answer. Default 10,000. */
  timeoutMs?: number
  /** Where time comes from. */
  clock?: Clock
}

/** How figures are given to OpenTelemetry. */
export interface OpenTelemetryMetricsOptions {
  /** The module `@opentelemetry/api`, with whatever SDK is registered there. */
  api: MetricsApi
  /** As for Prometheus. Default 2,000. */
  maxSeries?: number
}

/** Checked, and every default filled in. */
export type PrometheusSettings = Required<Omit<PrometheusOptions, 'registry'>> & { readonly registry: RegistryLike | undefined }

const { boolean, milliseconds, number, optional, wrong } = options

const registry: options.Check<RegistryLike> = (value, path) => {
  const found = (value as { readonly register?: unknown } | null | undefined)?.register ?? value
  const has = (name: keyof RegistryLike) => typeof (found as Partial<RegistryLike> | null | undefined)?.[name] === 'function'
  if (!has('registerMetric') || !has('removeSingleMetric') || !has('getMetricsAsJSON'))
    throw wrong(value, path, 'a registry of prom-client, or the module')
  return found as RegistryLike
}

const api: options.Check<MetricsApi> = (value, path) => {
  const { metrics } = (value ?? {}) as Partial<MetricsApi>
  if (typeof metrics?.getMeter !== 'function') throw wrong(value, path, 'the module @opentelemetry/api')
  return value as MetricsApi
}

const maxSeries = optional(number({ min: 1, max: 100_000, integer: true }))

const checks: Checks<PrometheusOptions> = {
  registry: optional(registry),
  maxSeries,
  exemplars: optional(boolean),
  timeoutMs: optional(milliseconds()),
  clock: optional(options.clock),
}

/** @throws GatewayError `BAD_OPTION` */
export function prometheusSettings(given: PrometheusOptions): PrometheusSettings {
  const checked = checkOptions('prometheusMetrics', given, checks) as Omit<PrometheusOptions, 'registry'> & {
    registry?: RegistryLike
  }
  const { registry, ...rest } = checked
  return { maxSeries: MAX_SERIES, exemplars: true, timeoutMs: 10_000, clock: systemClock, ...rest, registry }
}

/** @throws GatewayError `BAD_OPTION` */
export function openTelemetrySettings(given: OpenTelemetryMetricsOptions): Required<OpenTelemetryMetricsOptions> {
  return {
    maxSeries: MAX_SERIES,
    ...checkOptions<OpenTelemetryMetricsOptions>('openTelemetryMetrics', given, { api, maxSeries }),
  }
}

const MAX_SERIES = 2_000
