import type { Handler } from '@gatelet/core'
import { call } from '@gatelet/testing'
import parse from 'parse-prometheus-text-format'

/** What a reader of Prometheus' text made of the answer of a handler. */
export interface Figures {
  readonly names: readonly string[]
  /** The sum of the values (of a histogram: how many there are) of all series that have these labels. */
  of(name: string, labels?: Readonly<Record<string, string>>): number
  /** The labels of each series. */
  series(name: string): readonly Readonly<Record<string, string>>[]
}

interface Parsed {
  readonly name: string
  readonly metrics: readonly { readonly labels?: Record<string, string>; readonly value: string }[]
}

/** Asks for figures as Prometheus does, and reads them with somebody else's parser. */
export async function figures(handler: Handler): Promise<Figures> {
  return read(await (await call(handler, '/metrics')).text())
}

export function read(text: string): Figures {
  // Of histograms it makes one for each family, whatever their labels: it gets their lines as figures of no type as well.
  const whole = parse(text) as readonly Parsed[]
  const plain = parse(text.replace(/^# .*\n/gm, '')) as readonly Parsed[]
  const metricsOf = (name: string) => {
    const found = (wanted: string) => plain.filter((each) => each.name === wanted).flatMap(({ metrics }) => metrics)
    return [...found(`${name}_count`), ...found(name)]
  }
  return {
    names: whole.map(({ name }) => name),
    of(name, labels = {}) {
      const matching = metricsOf(name).filter(({ labels: own = {} }) =>
        Object.entries(labels).every(([label, value]) => (own[label] ?? '') === value),
      )
      return matching.reduce((sum, { value }) => sum + Number(value), 0)
    },
    series: (name) => metricsOf(name).map(({ labels = {} }) => labels),
  }
}
