import { createBalancer } from '@gatelet/balancer'
import { chain } from '@gatelet/core'
import { openTelemetryMetrics, prometheusMetrics } from '@gatelet/metrics'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { createRouter } from '@gatelet/router'
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import client from 'prom-client'
import { origins, port } from './start.ts'

// Whose figures are kept: nobody's, those of Prometheus, or those of OpenTelemetry.
const [kept, ...urls] = origins
if (kept === 'prometheus') prometheusMetrics({ registry: client })
if (kept === 'opentelemetry') {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  openTelemetryMetrics({ api: { metrics } })
}
const router = createRouter().mount('/*rest', chain().to(proxy(createBalancer({ endpoints: urls }))))
await serve(router, { port, host: '127.0.0.1' })
