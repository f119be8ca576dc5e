import { fileURLToPath } from 'node:url'
import { build } from './build.ts'
import type { Round } from './contender.ts'
import { measureRound } from './measure.ts'
import { startOrigin } from './origin.ts'
import { payloads } from './payloads.ts'
import { quantile } from './statistics.ts'
import type { Subject } from './subjects.ts'
import { ratio } from './summary.ts'

// What figures cost: CPU time for each proxied request with metrics on, beside the same program without. Goal: 1.03.
const isShort = process.env['BENCH_SHORT'] === '1'
const plan = isShort ? { warmUpTurns: 4, countedTurns: 4, turnMs: 160 } : { warmUpTurns: 8, countedTurns: 10, turnMs: 200 }
const goal = 1.03

const subjects: readonly Subject[] = [
  subject('none', 'no metrics'),
  subject('control', 'the same again, as control', 'none'),
  subject('prometheus', 'Prometheus'),
  subject('opentelemetry', 'OpenTelemetry, by its SDK'),
]

function subject(id: string, title: string, kept = id): Subject {
  const program = fileURLToPath(new URL('dist/subjects/metrics.js', import.meta.url))
  return { id, title, command: (port, origins) => [process.execPath, program, String(port), kept, ...origins] }
}

if (process.platform !== 'linux') throw new Error('CPU time is read from /proc, which only Linux has')
build()
await using origin = await startOrigin()
const all = new Map<string, Round[]>(subjects.map(({ id }) => [id, []]))
const [payload] = payloads
if (!payload) throw new Error('there is nothing to ask for')
for (let round = 0; round < (isShort ? 2 : 7); round++) {
  for (const [id, found] of await measureRound(subjects, payload, plan, origin)) all.get(id)?.push(found)
}
console.log(`${payload.name.padEnd(30)}  CPU µs   median  × none    by round  counted`)
for (const { id, title } of subjects) {
  const rounds = all.get(id) ?? []
  const good = rounds.filter(({ fault }) => fault === undefined)
  const costs = good.flatMap(({ samples }) => samples.map(({ cpuUs }) => cpuUs))
  const times = ratio(rounds, all.get('none') ?? [])
  const figures = [quantile(costs, 0.25).toFixed(1), quantile(costs, 0.5).toFixed(1), times.median.toFixed(3)]
  const byRound = `${times.least.toFixed(2)}-${times.most.toFixed(2)}`
  const faults = new Set(rounds.flatMap(({ fault }) => fault ?? []))
  console.log(
    [
      title.padEnd(30),
      ...[...figures, byRound].map((text) => text.padStart(9)),
      `${good.length} of ${rounds.length}`,
      ...faults,
    ].join(' '),
  )
  if (good.length === 0) process.exitCode = 1
}
console.log(`CPU: lower quartile and median of all turns. Goal with Prometheus: ${goal} × none.`)
