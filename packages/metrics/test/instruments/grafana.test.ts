import { readFileSync } from 'node:fs'
import { parser } from '@prometheus-io/lezer-promql'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { Kit } from '../../src/instruments/kit.ts'
import { prometheusLabel, prometheusName } from '../../src/instruments/prometheus-name.ts'
import { record } from '../../src/instruments/recorder.ts'
import { Buckets } from '../../src/instruments/series.ts'

const file = (name: string) => readFileSync(new URL(`../../grafana/${name}`, import.meta.url), 'utf8')

// What is really recorded: names, and their labels.
const kit = new Kit(1, ({ buckets = [] }) => new Buckets(buckets, undefined))
afterAll(record(kit))
const exported = new Map<string, readonly string[]>()
for (const { spec } of kit.numbers) exported.set(prometheusName(spec), spec.labels.map(prometheusLabel))
for (const { spec } of kit.histograms) {
  const labels = spec.labels.map(prometheusLabel)
  for (const part of ['sum', 'count']) exported.set(`${prometheusName(spec)}_${part}`, labels)
  exported.set(`${prometheusName(spec)}_bucket`, [...labels, 'le'])
}

interface Panel {
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}
const dashboard = JSON.parse(file('dashboard.json')) as { panels: readonly Panel[]; templating: { list: readonly object[] } }
const { groups } = parse(file('alerts.yaml')) as {
  groups: readonly {
    rules: readonly { alert: string; expr: string; for: string; labels: object; annotations: Record<string, string> }[]
  }[]
}
const rules = groups.flatMap((group) => group.rules)

const queries: readonly (readonly [where: string, query: string, shown: readonly string[]])[] = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(
      ({ expr, legendFormat }) =>
        [title, expr, [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)] as const,
    ),
  ),
  ...rules.map(({ alert, expr, annotations }) => {
    const shown = [
      ...Object.values(annotations)
        .join()
        .matchAll(/\$labels\.(\w+)/g),
    ].map(([, label = '']) => label)
    return [alert, expr, shown] as const
  }),
]

/** What Prometheus itself puts on every series. */
const targetLabels = ['job', 'instance']

/** Names of metrics and of labels in a query, as the parser of Prometheus' own interface finds them. */
function namesIn(query: string) {
  // Grafana puts a duration there.
  const text = query.replaceAll('$__rate_interval', '5m')
  const found = { metrics: [] as string[], labels: [] as string[], errors: 0 }
  parser.parse(text).iterate({
    enter({ type, from, to }) {
      const part = text.slice(from, to)
      if (type.isError) found.errors++
      if (type.name === 'Identifier') found.metrics.push(part)
      if (type.name === 'LabelName') found.labels.push(part)
    },
  })
  return found
}

describe.each(queries)('%s: %s', (_, query, shown) => {
  const { metrics, labels, errors } = namesIn(query)

  test('is PromQL, over figures that there are', () => {
    expect(errors).toBe(0)
    expect(metrics.length).toBeGreaterThan(0)
    expect(metrics.filter((name) => !exported.has(name))).toEqual([])
  })

  test('has labels that its figures have, and shows no others', () => {
    const known = [...targetLabels, ...metrics.flatMap((name) => exported.get(name) ?? [])]
    expect(labels.filter((label) => !known.includes(label))).toEqual([])
    expect(shown.filter((label) => !labels.includes(label) && !targetLabels.includes(label))).toEqual([])
  })
})

test('the dashboard has its figures from the data source that is chosen, for the gateways that are chosen', () => {
  const charts = dashboard.panels.filter(({ type }) => type !== 'row')
  expect(charts.length).toBeGreaterThan(10)
  for (const chart of charts) {
    expect(chart).toMatchObject({
      datasource: { uid: expect.stringMatching(/^\$\{datasource\}$/) },
      description: expect.stringMatching(/\.$/),
    })
    for (const { expr } of chart.targets ?? []) expect(expr).toContain('instance=~"$instance"')
  }
  expect(dashboard.templating.list).toMatchObject([{ name: 'datasource' }, { name: 'instance' }])
})

test('each alert says what is wrong, how badly, and waits before it does', () => {
  expect(rules.length).toBeGreaterThan(5)
  for (const rule of rules) {
    expect(rule).toMatchObject({
      alert: expect.stringMatching(/^Gatelet[A-Z]/),
      for: expect.stringMatching(/^\d+m$/),
      labels: { severity: expect.stringMatching(/^(warning|critical)$/) },
      annotations: { summary: expect.any(String), description: expect.any(String) },
    })
  }
})
