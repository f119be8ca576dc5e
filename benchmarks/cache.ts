import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './build.ts'
import type { Round } from './contender.ts'
import { measureRound } from './measure.ts'
import { nginx, nginxCache, nginxRequests } from './nginx.ts'
import type { Origin } from './origin.ts'
import type { Payload } from './payloads.ts'
import { freePort, listening } from './ports.ts'
import { start } from './processes.ts'
import type { Subject } from './subjects.ts'
import { noise, type Ratio, type Rounds, type Row, ratio, summarize } from './summary.ts'

// What an answer from memory costs: CPU time for each request, beside the least that node:http can do, undici's interceptor
// and nginx. Goals: at most 1.05 times the bare handler, at most 0.40 times undici's.
const payloads: readonly Payload[] = [
  { name: 'hit of 1 KiB', method: 'GET', path: '/small/42', sent: 0, received: 1_024 },
  { name: 'hit of 100 KiB', method: 'GET', path: '/large/42', sent: 0, received: 102_400 },
]
const isShort = process.env['BENCH_SHORT'] === '1'
const plan = isShort ? { warmUpTurns: 4, countedTurns: 4, turnMs: 160 } : { warmUpTurns: 10, countedTurns: 10, turnMs: 200 }

/** A cache that tells what it has answered. */
interface Cache extends Subject {
  answered(): Promise<number>
}

type Make = (countPort: number, originUrl: string) => Omit<Cache, 'id' | 'title'>

const caches: readonly (readonly [id: string, title: string, make: Make])[] = [
  ['gatelet', 'Gatelet: serve, cache', ofNode('gatelet')],
  ['served', 'Gatelet: serve, the answer at hand', ofNode('served')],
  ['bare', 'node:http, lru-cache', ofNode('bare')],
  ['control', 'the same again, as control', ofNode('bare')],
  ['undici', 'node:http, undici with interceptors.cache', ofNode('undici')],
  ...(nginx ? [['nginx', 'nginx, proxy_cache, one worker', ofNginx] as const] : []),
]

function ofNode(way: string): Make {
  return (countPort, originUrl) => ({
    command: (port) => [...nodeCommand(way, port, countPort), originUrl],
    answered: async () => Number(await textOf(countPort)),
  })
}

function nodeCommand(way: string, port: number, countPort: number): string[] {
  const program = fileURLToPath(new URL('dist/subjects/cache.js', import.meta.url))
  return [process.execPath, program, String(port), String(countPort), way]
}

function ofNginx(countPort: number, originUrl: string): ReturnType<Make> {
  let asked = 0
  return {
    command: (port) => nginxCache(port, countPort, originUrl),
    // Our questions are counted too.
    answered: async () => nginxRequests(await textOf(countPort)) - ++asked,
  }
}

const textOf = async (port: number) => (await fetch(`http://127.0.0.1:${port}`)).text()

async function measured(payload: Payload, rounds: number, originUrl: string): Promise<Map<string, Round[]>> {
  const all = new Map<string, Round[]>(caches.map(([id]) => [id, []]))
  for (let round = 0; round < rounds; round++) {
    const subjects = await Promise.all(
      caches.map(async ([id, title, make]): Promise<Cache> => ({ id, title, ...make(await freePort(), originUrl) })),
    )
    for (const [id, found] of await measureRound(subjects, payload, plan, counting(subjects))) all.get(id)?.push(found)
  }
  return all
}

/** They answer by themselves: each tells what it has answered, and only one works at a time. */
function counting(subjects: readonly Cache[]): Origin {
  const counts = new Map<string, number>()
  const answered = async () => {
    for (const subject of subjects) {
      // One that has not started yet, or has ended, has answered nothing since.
      counts.set(subject.id, await subject.answered().catch(() => counts.get(subject.id) ?? 0))
    }
    return [...counts.values()].reduce((sum, count) => sum + count, 0)
  }
  return { kind: 'the subject itself', urls: [], answered, answeredAll: answered, async [Symbol.asyncDispose]() {} }
}

function print({ name }: Payload, all: Rounds): void {
  const rows = summarize(all)
  console.log(`\n${name.padEnd(42)}   CPU µs   median  × bare    by round  × undici  counted`)
  for (const row of rows) console.log(line(row, ratio(all.get(row.subject) ?? [], all.get('undici') ?? [])))
  console.log(`The control is off by ${(noise(rows) * 100).toFixed(1)} %: smaller differences say nothing.`)
  if (rows.some(({ counted }) => counted === 0)) process.exitCode = 1
}

function line({ subject, lowerQuartileUs, medianUs, timesBare, counted, rounds, faults }: Row, timesUndici: Ratio): string {
  const title = caches.find(([id]) => id === subject)?.[1] ?? subject
  const byRound = `${timesBare.least.toFixed(2)}-${timesBare.most.toFixed(2)}`
  const figures = [
    lowerQuartileUs.toFixed(1),
    medianUs.toFixed(1),
    timesBare.median.toFixed(2),
    byRound,
    timesUndici.median.toFixed(2),
  ]
  return [
    title.padEnd(42),
    ...figures.map((figure) => figure.padStart(9)),
    `${counted} of ${rounds}`.padStart(8),
    ...new Set(faults),
  ].join(' ')
}

if (process.platform !== 'linux') throw new Error('CPU time is read from /proc, which only Linux has')
const { values } = parseArgs({ options: { only: { type: 'string' } } })
build()
const [originPort, originCount] = [await freePort(), await freePort()]
await using origin = start(nodeCommand('origin', originPort, originCount), 'others')
await listening(origin, originPort)
for (const payload of payloads.filter(({ name }) => values.only === undefined || name === values.only))
  print(payload, await measured(payload, isShort ? 2 : 7, `http://127.0.0.1:${originPort}`))
