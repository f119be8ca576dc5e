import { accessLog, openTelemetryMetrics, prometheusMetrics, proxyStatus, serverTiming, trace, usage } from '@gatelet/metrics'
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
  ProxyStatusOptions: { through: proxyStatus, bad: { name: 'edge 1', when: 'never', nextHop: 'yes' } },
  UsageOptions: {
    through: usage,
    bad: { consumer: 'sub', windows: [], top: 0, watched: 1.5, billing: {}, clock: {} },
  },
  UsageWindowOptions: {
    through: (options) => usage({ windows: [options] }),
    good: { name: 'minute', lengthMs: 60_000 },
    at: 'windows[0]',
    bad: { name: '', lengthMs: 10, parts: 1_000 },
  },
  BillingOptions: {
    through: (options) => usage({ billing: options }),
    good: { onWindow: () => {} },
    at: 'billing',
    bad: { onWindow: 'bills', windowMs: 10, maxConsumers: 0 },
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
