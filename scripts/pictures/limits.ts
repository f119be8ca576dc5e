import { memoryRateStore, type RateRule } from '@gatelet/rate-limiter'
import { rowChart } from './row-chart.ts'

const MINUTE = 60_000
const END = 180

const every = (from: number, to: number, step: number) =>
  Array.from({ length: Math.round((to - from) / step) }, (_, at) => from + at * step)

/** One by itself, ten in five seconds, ten more ten seconds later, then one every other second. */
const arrivals: readonly number[] = [0, ...every(50, 55, 0.5), ...every(65, 70, 0.5), ...every(90, END, 2)]

const windowed = (algorithm: 'fixed' | 'sliding'): RateRule => ({ algorithm, name: 'a', limit: 10, windowMs: MINUTE })
const gcra = (limit: number, burst: number): RateRule => ({ algorithm: 'gcra', name: 'a', limit, windowMs: MINUTE, burst })

const rules: readonly (readonly [label: string, rule: RateRule])[] = [
  ['fixed', windowed('fixed')],
  ['sliding', windowed('sliding')],
  ['gcra', gcra(10, 10)],
  ['gcra, burst: 3', gcra(10, 3)],
  ['gcra, limit: 5, burst: 5', gcra(5, 5)],
]

/** Which of the same requests each algorithm admits. */
export function limits(): string {
  return rowChart({
    title: 'Ten a minute, by each algorithm',
    subtitle: `${arrivals.length} requests of one client. At the right: how many were admitted, and the most of them within any minute.`,
    axis: { label: 'seconds', kind: 'linear', from: 0, to: END, ticks: [0, 30, 60, 90, 120, 150, 180], strong: 60 },
    legend: ['admitted', 'refused'],
    rows: rules.map(([label, rule]) => {
      const isAdmitted = admissions(rule)
      const marks = arrivals.map((at, index) => ({
        series: isAdmitted[index] ? 0 : 1,
        from: at,
        at: at + (isAdmitted[index] ? 0.5 : 0.2),
      }))
      const admitted = arrivals.filter((_, index) => isAdmitted[index])
      const most = Math.max(...admitted.map((from) => admitted.filter((at) => at >= from && at < from + 60).length))
      return { label, marks, note: `${admitted.length}; ${most} within a minute` }
    }),
  })
}

function admissions(rule: RateRule): readonly boolean[] {
  let now = 0
  const clock = { now: () => now, date: () => now, random: () => 0, setTimer: () => () => {} }
  const store = memoryRateStore({ clock })
  return arrivals.map((at) => {
    now = at * 1_000
    return store.take([{ rule, key: 'client', cost: 1 }])[0]?.allowed ?? false
  })
}
