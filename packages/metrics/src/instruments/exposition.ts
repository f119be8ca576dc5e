/** A family as the registries of clients for Prometheus give it. */
export interface MetricJson {
  readonly name: string
  readonly help: string
  /** As a name of Prometheus, or a number that stands for none that matters here. */
  readonly type: unknown
  readonly values?: readonly MetricValueJson[]
  readonly aggregator?: string
}

/** One line of it. */
export interface MetricValueJson {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  /** Where it is not the family's own: that of a part of a histogram. */
  readonly metricName?: string | undefined
  readonly exemplar?: ExemplarJson | null | undefined
}

interface ExemplarJson {
  readonly labelSet: Readonly<Record<string, string | number>>
  readonly value: number
  /** In seconds since 1970. */
  readonly timestamp?: number | undefined
}

/** How figures are written: the text format of Prometheus, or OpenMetrics, which has exemplars. */
export type Format = 'prometheus' | 'open-metrics'

/** The media type of each. */
export const contentTypes: Readonly<Record<Format, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  'open-metrics': 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** Writes families as a text that Prometheus reads. */
export function exposition(metrics: readonly MetricJson[], format: Format): string {
  const text = metrics.map((metric) => written(metric, format)).join('')
  return format === 'open-metrics' ? `${text}# EOF\n` : text
}

function written({ name: given, help, type, values = [] }: MetricJson, format: Format): string {
  const isOpen = format === 'open-metrics'
  const isCounter = type === 'counter'
  // OpenMetrics names a counter without what its only sample ends in.
  const name = isOpen && isCounter ? given.replace(/_total$/, '') : given
  const kind = kinds.has(String(type)) ? String(type) : isOpen ? 'unknown' : 'untyped'
  const lines = [`# HELP ${name} ${escapedHelp(help, isOpen)}`, `# TYPE ${name} ${kind}`]
  for (const { metricName = given, labels, value, exemplar } of values) {
    const sample = isOpen && isCounter ? `${name}_total` : metricName
    const line = `${sample}${labelText(labels)} ${numberText(value)}`
    lines.push(isOpen && exemplar ? `${line} # ${exemplarText(exemplar)}` : line)
  }
  return `${lines.join('\n')}\n`
}

const kinds: ReadonlySet<string> = new Set(['counter', 'gauge', 'histogram', 'summary'])

function exemplarText({ labelSet, value, timestamp }: ExemplarJson): string {
  const text = `${labelText(labelSet) || '{}'} ${numberText(value)}`
  return timestamp === undefined ? text : `${text} ${timestamp}`
}

function labelText(labels: MetricValueJson['labels']): string {
  let text = ''
  for (const name of Object.keys(labels)) text += `${text === '' ? '{' : ','}${name}="${escaped(String(labels[name]))}"`
  return text === '' ? '' : `${text}}`
}

// Most have nothing to escape: looking is cheaper than replacing.
function escaped(text: string): string {
  if (!/[\\"\n]/.test(text)) return text
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function escapedHelp(text: string, isOpen: boolean): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return isOpen ? plain.replaceAll('"', '\\"') : plain
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
