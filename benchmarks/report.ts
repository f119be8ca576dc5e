import type { Payload } from './payloads.ts'
import { subjects } from './subjects.ts'
import { noise, type Ratio, type Row } from './summary.ts'

/** Beyond this, two processes of the same program differ so much that the run says nothing. */
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
  const apart = noise(rows)
  const percent = `${(apart * 100).toFixed(1)} %`
  const verdict = Number.isNaN(apart)
    ? 'Without the bare proxy and its control there is nothing to compare with.'
    : apart > tooNoisy
      ? `The two bare proxies are ${percent} apart: the machine was too busy, and this table says nothing.`
      : `The two bare proxies are ${percent} apart: smaller differences say nothing.`
  return [
    verdict,
    ...rows.flatMap(({ subject, faults }) => [...new Set(faults)].map((fault) => `Not counted, ${titleOf(subject)}: ${fault}`)),
  ]
}

function titleOf(id: string): string {
  return subjects.find((subject) => subject.id === id)?.title ?? id
}
