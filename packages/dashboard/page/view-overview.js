import { get } from './api.js'
import { chart } from './charts.js'
import { el, panel, setText } from './dom.js'
import { bytes, count, duration, ms, percent, rate } from './format.js'
import { stateOf } from './view-endpoints.js'

const KEPT = 300

const tiles = [
  ['requests per second', (o) => rate(o.perSecond)],
  ['errors', (o) => percent(o.failedShare)],
  ['p50', (o) => ms(o.p50)],
  ['p95', (o) => ms(o.p95)],
  ['p99', (o) => ms(o.p99)],
  ['in flight', (o) => count(o.inFlight)],
  ['event-loop lag', (o) => ms(o.lagMs)],
  ['memory', (o) => bytes(o.memoryBytes)],
  ['requests in all', (o) => count(o.total)],
  ['uptime', (o) => duration(o.uptimeSeconds)],
]

export function overview() {
  const values = tiles.map(() => el('dd'))
  const list = el('dl', { class: 'tiles' }, ...tiles.map(([name], i) => el('div', {}, el('dt', { text: name }), values[i])))
  const traffic = chart({
    title: 'Requests per second',
    say: rate,
    lines: [
      { label: 'all', colour: 'c1', isFilled: true, of: (p) => p.perSecond },
      { label: 'failed', colour: 'c4', of: (p) => p.perSecond * p.failedShare },
    ],
  })
  const latency = chart({
    title: 'Time to answer',
    say: ms,
    lines: [
      { label: 'p50', colour: 'c1', of: (p) => p.p50 },
      { label: 'p95', colour: 'c2', of: (p) => p.p95 },
      { label: 'p99', colour: 'c3', of: (p) => p.p99 },
    ],
  })
  const flight = chart({
    title: 'In flight',
    say: count,
    lines: [{ label: 'requests', colour: 'c1', isFilled: true, of: (p) => p.inFlight }],
  })
  const lag = chart({ title: 'Event-loop lag', say: ms, lines: [{ label: 'longest', colour: 'c2', of: (p) => p.lagMs }] })
  const charts = [traffic, latency, flight, lag]
  const endpoints = el('ul', { class: 'chips' })
  let points = []
  return {
    name: 'overview',
    title: 'Overview',
    node: el('div', {}, list, el('div', { class: 'charts' }, ...charts.map(({ node }) => node)), panel('Endpoints', endpoints)),
    async refresh() {
      const [now, { endpoints: all }] = await Promise.all([get('overview', { since: points.at(-1)?.at ?? 0 }), get('endpoints')])
      for (const [i, [, say]] of tiles.entries()) setText(values[i], say(now))
      // Two answers may have been under way at once.
      const last = points.at(-1)?.at ?? 0
      points = [...points, ...now.points.filter(({ at }) => at > last)].slice(-KEPT)
      for (const each of charts) each.update(points)
      endpoints.replaceChildren(
        ...all.map((e) =>
          el(
            'li',
            { title: e.reason ?? '' },
            stateOf(e),
            ` ${e.balancer} / ${e.id} `,
            el('b', { text: `${rate(e.perSecond)}/s` }),
          ),
        ),
      )
      if (all.length === 0) endpoints.append(el('li', { text: 'no balancer was handed in' }))
    },
  }
}
