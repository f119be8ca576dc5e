import { el, setText } from './dom.js'
import { time } from './format.js'

const HEIGHT = 132
const charts = new Set()

/** Colours are those of the style sheet, and change with the theme. */
export function repaint() {
  for (const chart of charts) chart.make()
}

/**
 * A chart of lines over the last five minutes.
 * @param lines of { label, colour (a custom property), of(point) }
 * @param say a value as text
 */
export function chart({ title, lines, say }) {
  const box = el('div', { class: 'plot', role: 'img', 'aria-label': `${title}, the last five minutes` })
  const values = lines.map(() => el('output', {}))
  const at = el('span', { class: 'at' })
  const legend = el(
    'p',
    { class: 'legend' },
    ...lines.map(({ label, colour }, i) => el('span', { class: `key ${colour}` }, `${label} `, values[i])),
    at,
  )
  let data = [[], ...lines.map(() => [])]
  let plot
  const made = {
    node: el('figure', {}, el('figcaption', { text: title }), legend, box),
    update(points) {
      data = [points.map((point) => point.at / 1_000), ...lines.map(({ of }) => points.map((point) => of(point) ?? null))]
      plot?.setData(data)
      tell(plot?.cursor.idx)
    },
    make() {
      plot?.destroy()
      plot = undefined
      if (box.clientWidth > 0) plot = new uPlot(settings(box.clientWidth), data, box)
    },
  }
  charts.add(made)
  new ResizeObserver(() => {
    if (!plot) made.make()
    else if (plot.width !== box.clientWidth && box.clientWidth > 0) plot.setSize({ width: box.clientWidth, height: HEIGHT })
  }).observe(box)
  return made

  function tell(index) {
    const shown = index ?? data[0].length - 1
    lines.forEach((_, i) => {
      const value = data[i + 1][shown]
      setText(values[i], value === undefined || value === null ? '–' : say(value))
    })
    setText(at, index === null || index === undefined ? '' : time(data[0][index] * 1_000))
  }

  function settings(width) {
    const style = getComputedStyle(document.documentElement)
    const colour = (name) => style.getPropertyValue(`--${name}`).trim()
    const axis = { stroke: colour('muted'), font: '11px system-ui, sans-serif', ticks: { show: false } }
    const grid = { stroke: colour('line'), width: 1 }
    return {
      width,
      height: HEIGHT,
      padding: [8, 4, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      hooks: { setCursor: [(u) => tell(u.cursor.idx)] },
      scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 22,
          space: 84,
          values: (_, ticks) => ticks.map((s) => time(s * 1_000)),
        },
        { ...axis, grid, size: 52, space: 32, values: (_, ticks) => ticks.map(say) },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.label,
          stroke: colour(line.colour),
          width: 1.5,
          ...(line.isFilled ? { fill: `${colour(line.colour)}22` } : {}),
          points: { show: false },
        })),
      ],
    }
  }
}
