import fc from 'fast-check'
import client from 'prom-client'
import { expect, test } from 'vitest'
import { exposition, type MetricJson } from '../../src/instruments/exposition.ts'
import { read } from './figures.ts'

const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,9}$/)
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))

test('says of any figure what a reader of the format then knows, whatever its labels hold', () => {
  const labels = fc.dictionary(name, fc.string({ unit: 'binary' }), { maxKeys: 4, noNullPrototype: true })
  fc.assert(
    fc.property(name, labels, number, (metric, own, value) => {
      const text = exposition([{ name: metric, help: 'h', type: 'gauge', values: [{ value, labels: own }] }], 'prometheus')
      const found = read(text)
      expect(found.names).toEqual([metric])
      expect(found.series(metric)).toEqual([own])
      // The reader has texts of numbers.
      expect(found.of(metric)).toBe(value === 0 ? 0 : value)
    }),
    { seed: 12, numRuns: 500 },
  )
})

test('nothing in a label or a help text makes another line', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('prometheus' as const, 'open-metrics' as const),
      (text, format) => {
        const values = [{ value: 1, labels: { a: text } }]
        const lines = exposition([{ name: 'a', help: text, type: 'gauge', values }], format).split('\n')
        expect(lines).toHaveLength(format === 'prometheus' ? 4 : 5)
      },
    ),
    { seed: 12, numRuns: 500 },
  )
})

test('writes what a registry of prom-client holds as prom-client does, in both formats', async () => {
  const registry = new client.Registry<client.RegistryContentType>()
  registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE)
  const registers = [registry]
  const help = 'a "help" with \\ in it'
  new client.Gauge({ name: 'gauge', help, labelNames: ['a'], registers }).set({ a: 'x"\\\n' }, 1.5)
  new client.Counter({ name: 'counter_total', help: 'b', registers }).inc(3)
  new client.Summary({ name: 'summary', help: 'b', registers, percentiles: [0.5] }).observe(1)
  const histogram = new client.Histogram({ name: 'histogram', help: 'b', registers, buckets: [1, 2], enableExemplars: true })
  histogram.observe({ value: 1.5, exemplarLabels: { trace_id: 'abc' } })
  registry.setDefaultLabels({ app: 'shop' })
  const metrics = (await registry.getMetricsAsJSON()) as unknown as MetricJson[]
  const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('# HELP gauge'))
  // Labels in another order are the same.
  const sorted = (text: string) =>
    lines(text).map((line) => line.replace(/\{([^}]*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`))
  registry.setContentType(client.Registry.PROMETHEUS_CONTENT_TYPE)
  expect(sorted(exposition(metrics, 'prometheus'))).toEqual(sorted(await registry.metrics()))
  registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE)
  expect(sorted(exposition(metrics, 'open-metrics'))).toEqual(sorted(await registry.metrics()))
  expect(exposition(metrics, 'open-metrics')).toContain('# HELP gauge a \\"help\\" with \\\\ in it\n')
  expect(exposition(metrics, 'prometheus')).toContain('# HELP gauge a "help" with \\\\ in it\n')
})

test.each([
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
  [Number.NaN, 'NaN'],
  [1e21, '1e+21'],
])('writes %s as Prometheus knows it', (value, text) => {
  expect(exposition([{ name: 'a', help: '', type: 'gauge', values: [{ value, labels: {} }] }], 'prometheus')).toContain(
    `a ${text}\n`,
  )
})

test('of a type that it does not know it says so', () => {
  const metric = { name: 'a', help: '', type: 'info' }
  expect(exposition([metric], 'prometheus')).toBe('# HELP a \n# TYPE a untyped\n')
  expect(exposition([metric], 'open-metrics')).toBe('# HELP a \n# TYPE a unknown\n# EOF\n')
})
