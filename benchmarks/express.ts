import { fileURLToPath } from 'node:url'
import { build } from './build.ts'
import type { Round } from './contender.ts'
import { measureRound } from './measure.ts'
import type { Origin } from './origin.ts'
import type { Payload } from './payloads.ts'
import { freePort } from './ports.ts'
import type { Subject } from './subjects.ts'
import { noise, type Row, summarize } from './summary.ts'

// What a layer costs in front of a JSON route of Express: CPU time for each request, as a multiple of the bare route's.
const inFront = [
  ['bare', 'a JSON route of Express 5', ''],
  ['control', 'the same again, as control', ''],
  ['passThrough', 'toExpress, a layer that passes on', 'passThrough'],
  ['threeHeaders', 'toExpress, a layer that adds 3 headers', 'threeHeaders'],
  ['awaiting', 'toExpress, an async layer that passes on', 'awaiting'],
] as const

const payload: Payload = { name: 'JSON route', method: 'GET', path: '/orders/42', sent: 0, received: 113 }
const isShort = process.env['BENCH_SHORT'] === '1'
// A fresh process needs a second and more under load until its cost has settled.
const plan = isShort ? { warmUpTurns: 4, countedTurns: 4, turnMs: 160 } : { warmUpTurns: 10, countedTurns: 10, turnMs: 200 }

if (process.platform !== 'linux') throw new Error('CPU time is read from /proc, which only Linux has')
build()
const rounds = new Map<string, Round[]>(inFront.map(([id]) => [id, []]))
for (let round = 0; round < (isShort ? 3 : 7); round++) {
  const subjects = await Promise.all(
    inFront.map(async ([id, title, layer]) => ({ ...subject(id, title, layer, await freePort()) })),
  )
  for (const [id, measured] of await measureRound(subjects, payload, plan, counting(subjects))) rounds.get(id)?.push(measured)
}
print(summarize(rounds))

interface CountingSubject extends Subject {
  readonly countUrl: string
}

function subject(id: string, title: string, layer: string, countPort: number): CountingSubject {
  const program = fileURLToPath(new URL('dist/subjects/express.js', import.meta.url))
  return {
    id,
    title,
    countUrl: `http://127.0.0.1:${countPort}`,
    command: (port) => [process.execPath, program, String(port), String(countPort), layer],
  }
}

/** There is no origin behind them: each tells by itself what it has answered, and only one works at a time. */
function counting(subjects: readonly CountingSubject[]): Origin {
  const counts = new Map<string, number>()
  const answered = async () => {
    for (const { id, countUrl } of subjects) {
      // One that has not started yet, or has ended, has answered nothing since.
      const count = await fetch(countUrl).then(
        (response) => response.text(),
        () => counts.get(id) ?? 0,
      )
      counts.set(id, Number(count))
    }
    return [...counts.values()].reduce((sum, count) => sum + count, 0)
  }
  return { kind: 'the subject itself', urls: [], answered, answeredAll: answered, async [Symbol.asyncDispose]() {} }
}

function print(rows: readonly Row[]): void {
  for (const { subject, lowerQuartileUs, medianUs, timesBare, counted, rounds, faults } of rows) {
    const title = inFront.find(([id]) => id === subject)?.[1] ?? subject
    const { median, least, most } = timesBare
    const figures = [lowerQuartileUs.toFixed(1), medianUs.toFixed(1), median.toFixed(2), `${least.toFixed(2)}-${most.toFixed(2)}`]
    console.log(
      [
        title.padEnd(42),
        ...figures.map((figure) => figure.padStart(10)),
        `${counted} of ${rounds}`.padStart(8),
        ...new Set(faults),
      ].join(' '),
    )
  }
  console.log(
    `CPU µs/req (lower quartile, median), × bare (median, by round). The control is off by ${(noise(rows) * 100).toFixed(1)} %.`,
  )
  if (rows.some(({ counted }) => counted === 0)) process.exitCode = 1
}
