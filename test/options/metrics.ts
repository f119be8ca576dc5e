import { accessLog, openTelemetryMetrics, prometheusMetrics, serverTiming, trace } from '@gatelet/metrics'
import type { Subject } from './subjects.ts'

/** The options of `@gatelet/metrics`. */
export const metricSubjects: Readonly<Record<string, Subject>> = {
  AccessLogOptions: {
    through: accessLog,
    bad: {
      logger: console.log,
      write: 'stdout',
      format: 'xml',
      sample: 1.5,
      query: 1,
      referer: 'no',
      headers: ['a b'],
      clock: {},
    },
  },
  TraceOptions: {
    through: trace,
    bad: { accept: 'all', sample: 2, api: {}, query: 'yes', attributes: {}, clock: {} },
  },
  ServerTimingOptions: { through: serverTiming, bad: { clock: {} } },
  PrometheusOptions: {
    through: prometheusMetrics,
    bad: { registry: {}, maxSeries: 0, exemplars: 'yes', timeoutMs: 0, clock: {} },
  },
  OpenTelemetryMetricsOptions: {
    through: openTelemetryMetrics,
    good: { api: { metrics: { getMeter: () => ({}) } } },
    bad: { api: {}, maxSeries: 1.5 },
  },
}
