import { once } from 'node:events'
import { createBalancer } from '@gatelet/balancer'
import { text } from '@gatelet/core'
import { openTelemetryMetrics, prometheusMetrics } from '@gatelet/metrics'
import { proxy } from '@gatelet/proxy'
import { createRouter } from '@gatelet/router'
import { call, origins } from '@gatelet/testing'
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, onTestFinished, test } from 'vitest'

/** What the SDK was given while a test runs. */
function exported() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000_000 })
  const provider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => provider.shutdown())
  const figures = openTelemetryMetrics({ api: { metrics: provider as never } })
  onTestFinished(() => figures.close())
  return {
    close: () => figures.close(),
    async read() {
      exporter.reset()
      await reader.forceFlush()
      const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
      return new Map(all.map((metric) => [metric.descriptor.name, metric]))
    },
  }
}

test('OpenTelemetry gets the names, units, bounds and attributes of its conventions', async () => {
  const sdk = exported()
  await using farm = await origins(1)
  const balancer = createBalancer({ endpoints: farm.urls, name: 'users' })
  const forward = proxy(balancer)
  const router = createRouter().get('/users/:id', forward)
  for (let at = 0; at < 3; at++) await (await call(router, `/users/${at}`)).text()
  const found = await sdk.read()
  const requests = found.get('http.server.request.duration')
  expect(requests).toMatchObject({ descriptor: { unit: 's', type: 'HISTOGRAM' } })
  expect(requests?.dataPoints).toHaveLength(1)
  expect(requests?.dataPoints[0]).toMatchObject({
    attributes: {
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.route': '/users/:id',
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
    },
    value: { count: 3, buckets: { boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] } },
  })
  const { hostname, port } = new URL(farm.urls[0] as string)
  expect(found.get('http.client.request.duration')?.dataPoints[0]).toMatchObject({
    attributes: { 'server.address': hostname, 'server.port': Number(port) },
    value: { count: 3 },
  })
  expect(found.get('gatelet.upstream.attempts')?.dataPoints).toContainEqual(
    expect.objectContaining({
      attributes: { 'gatelet.endpoint': balancer.endpoints[0]?.id, 'gatelet.outcome': 'success' },
      value: 3,
    }),
  )
  expect(found.get('http.server.active_requests')?.dataPoints[0]?.value).toBe(0)
  expect(found.get('gatelet.endpoint.weight')?.dataPoints[0]?.value).toBe(1)
  await forward.close()
  await balancer.close()
})

test('closed, it gives no more', async () => {
  const sdk = exported()
  await call(() => text('ok'))
  sdk.close()
  await call(() => text('ok'))
  const found = await sdk.read()
  expect(found.get('http.server.request.duration')?.dataPoints[0]).toMatchObject({ value: { count: 1 } })
  expect(found.get('http.server.active_requests')?.dataPoints ?? []).toEqual([])
})

test('both kinds have the same figures', async () => {
  const sdk = exported()
  const prometheus = prometheusMetrics()
  onTestFinished(() => prometheus.close())
  await call(() => text('ok'))
  const found = await sdk.read()
  expect(found.get('http.server.active_requests')?.dataPoints[0]).toMatchObject({ value: 0 })
  expect(await (await call(prometheus.handler)).text()).toContain('http_server_active_requests{http_request_method="GET"')
})

test('a meter that throws is a warning, once, and no request’s concern', async () => {
  const histogram = {
    record() {
      throw new Error('the meter is broken')
    },
  }
  const observable = { addCallback() {}, removeCallback() {} }
  const meter = {
    createHistogram: () => histogram,
    createObservableCounter: () => observable,
    createObservableUpDownCounter: () => observable,
    createObservableGauge: () => observable,
  }
  const warnings: Error[] = []
  const keep = (warning: Error) => void warnings.push(warning)
  process.on('warning', keep)
  onTestFinished(() => void process.off('warning', keep))
  const figures = openTelemetryMetrics({ api: { metrics: { getMeter: () => meter } } })
  onTestFinished(() => figures.close())
  for (let at = 0; at < 3; at++) expect((await call(() => text('ok'))).status).toBe(200)
  if (warnings.length === 0) await once(process, 'warning')
  expect(warnings).toHaveLength(1)
  expect(warnings[0]?.message).toContain('the meter is broken')
})

test('without an SDK the module does nothing, and costs no error', async () => {
  const figures = openTelemetryMetrics({ api: { metrics } })
  onTestFinished(() => figures.close())
  expect((await call(() => text('ok'))).status).toBe(200)
})
