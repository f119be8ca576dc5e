import type { Payload } from './payloads.ts'
import { subjects } from './subjects.ts'
import { noise, type Ratio, type Row } from './summary.ts'

/** When the same program twice differs by more, the run says nothing. */
const tooNoisy = 0.05

/** The rows of one payload as a table to read. */
export function table(payload: Payload, rows: readonly Row[]): string {
  const lines = [
    ['', 'CPU µs/req', 'median', '× bare', 'rounds', '× http-proxy', 'rounds', 'req/s', 'counted', 'failed'],
    ...rows.map(cells),
  ]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  const pad = (cell: string, column: number) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))
  return [payload.name, ...lines.map((line) => line.map(pad).join('  ')), ...remarks(rows), ''].join('\n')
}

function cells(row: Row): string[] {
  const figures = [
    row.lowerQuartileUs.toFixed(1),
    row.medianUs.toFixed(1),
    ...ratioCells(row.timesBare),
    ...ratioCells(row.timesHttpProxy),
    row.requestsPerSecond.toFixed(0),
  ]
  return [
    titleOf(row.subject),
    ...(row.counted > 0 ? figures : figures.map(() => '-')),
    `${row.counted} of ${row.rounds}`,
    String(row.failed),
  ]
}

function ratioCells({ median, least, most }: Ratio): string[] {
  return Number.isNaN(median) ? ['-', '-'] : [median.toFixed(2), `${least.toFixed(2)}-${most.toFixed(2)}`]
}

function remarks(rows: readonly Row[]): string[] {
  const faults = rows.flatMap(({ subject, faults }) =>
    [...new Set(faults)].map((fault) => `Not counted, ${titleOf(subject)}: ${fault}`),
  )
  return [verdict(noise(rows)), ...faults]
}

function verdict(off: number): string {
  if (Number.isNaN(off)) return 'Without the bare proxy and its control there is nothing to compare with.'
  const percent = `${(off * 100).toFixed(1)} %`
  if (off > tooNoisy) return `The control is off by ${percent}: the machine was too busy, and this table says nothing.`
  return `The control is off by ${percent}: smaller differences say nothing.`
}

function titleOf(id: string): string {
  return subjects.find((subject) => subject.id === id)?.title ?? id
}
