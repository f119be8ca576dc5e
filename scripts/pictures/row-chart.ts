import { escaped, STYLE, shape } from './svg.ts'

/** A chart with a row for each thing that is compared. */
export interface RowChart {
  readonly title: string
  /** One sentence on what was measured, below the title. */
  readonly subtitle: string
  readonly axis: Axis
  /** What each colour and shape stands for, in their order. */
  readonly legend: readonly string[]
  readonly rows: readonly Row[]
}

/** What is measured, and in which unit. */
interface Axis {
  readonly label: string
  readonly kind: 'linear' | 'log'
  readonly from: number
  readonly to: number
  readonly ticks: readonly number[]
  /** One that matters: drawn stronger. */
  readonly strong?: number
}

interface Row {
  readonly label: string
  readonly marks: readonly Mark[]
  /** At the right end. */
  readonly note: string
}

/** A figure on a row; with `from`, a bar from there. The series says which colour and shape it has. */
interface Mark {
  readonly series: number
  readonly at: number
  readonly from?: number
}

const WIDTH = 820
const LEFT = 205
const RIGHT = 610
const TOP = 96
const ROW = 28

/** The chart as an SVG that can be read on light and on dark pages. */
export function rowChart({ title, subtitle, axis, legend, rows }: RowChart): string {
  const bottom = TOP + rows.length * ROW
  const height = bottom + 54
  const x = scaleOf(axis)
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<desc>${escaped(descriptionOf(subtitle, rows))}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    text('title', 20, 28, title),
    text('soft', 20, 48, subtitle),
    ...legendOf(legend, rows),
    ...axis.ticks.flatMap((tick) => [
      `<path class="${tick === axis.strong ? 'strong' : 'grid'}" d="M${x(tick)} ${TOP}V${bottom}"/>`,
      text('soft middle', x(tick), bottom + 18, tick.toLocaleString('en-US')),
    ]),
    text('soft middle', (LEFT + RIGHT) / 2, bottom + 40, axis.label),
    ...rows.flatMap((row, at) => drawn(row, TOP + (at + 0.5) * ROW, x)),
    '</svg>',
  ].join('\n')}\n`
}

function drawn({ label, marks, note }: Row, y: number, x: (value: number) => number): string[] {
  return [
    text('end', LEFT - 14, y + 4, label),
    ...marks.map(({ series, at, from }) =>
      from === undefined
        ? shape(series, x(at), y)
        : `<rect class="s${series}" x="${x(from)}" y="${y - 8}" width="${fixed(x(at) - x(from))}" height="16"/>`,
    ),
    text('', RIGHT + 16, y + 4, note),
  ]
}

function legendOf(names: readonly string[], rows: readonly Row[]): string[] {
  const isBars = rows.some(({ marks }) => marks.some(({ from }) => from !== undefined))
  let at = 20
  return names.flatMap((name, series) => {
    const sign = isBars ? `<rect class="s${series}" x="${at}" y="65" width="12" height="12"/>` : shape(series, at + 6, 71)
    const label = text('', at + 20, 75, name)
    // About as wide as the letters are; what is too wide only stands further apart.
    at += 48 + name.length * 7
    return [sign, label]
  })
}

function scaleOf({ kind, from, to }: Axis): (value: number) => number {
  const place = kind === 'log' ? Math.log : (value: number) => value
  return (value) => fixed(LEFT + ((RIGHT - LEFT) * (place(value) - place(from))) / (place(to) - place(from)))
}

const text = (kind: string, x: number, y: number, content: string) =>
  `<text class="${kind}" x="${x}" y="${y}">${escaped(content)}</text>`

// For those who hear the picture.
const descriptionOf = (subtitle: string, rows: readonly Row[]) =>
  `${subtitle} ${rows.map(({ label, note }) => `${label}: ${note}.`).join(' ')}`

const fixed = (value: number) => Number(value.toFixed(1))
