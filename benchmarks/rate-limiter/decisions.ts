import { cpuUsage } from 'node:process'
import { quantile } from '../statistics.ts'
import { kept, type Subject, subjects } from './subjects.ts'

// What a decision costs: how many a limiter makes in a second of CPU time, with all keys known and room left; and what a key
// costs that is new. Subjects take turns, so that what disturbs the machine disturbs all. Goals: 5 million a second with one
// policy, 3 times rate-limiter-flexible, 2 times express-rate-limit.
const isShort = process.env['BENCH_SHORT'] === '1'
const ROUNDS = isShort ? 5 : 15
const ROUND_MS = isShort ? 60 : 150
const KEYS = 10_000
const NEW_KEYS = isShort ? 100_000 : 300_000
const GOAL = 5

// As a socket that listens for IPv4 and IPv6 tells them. What each decision is asked about is cut out of one: a string that is
// new, as every key is that comes with a request, and not one whose hash the engine knows already.
const peers = Array.from({ length: KEYS }, (_, at) => `::ffff:10.${at & 255}.${(at >> 8) & 255}.${(at * 7) & 255}`)

const rates = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]))
for (const { ask } of subjects) await asked(ask, KEYS * 2)
for (let round = 0; round < ROUNDS; round++) {
  for (const [subject, measured] of rates) measured.push(await rateOf(subject.ask))
}

const best = (subject: Subject | undefined) => quantile((subject && rates.get(subject)) ?? [], 0.75)
const titleWidth = Math.max(...subjects.map(({ title }) => title.length))
const head = ['', 'million a CPU second', 'times flexible', 'times express', 'of new keys', 'bytes a new key']
console.log(head.map((text, at) => (at === 0 ? text.padEnd(titleWidth) : text)).join('  '))
for (const subject of subjects) {
  const rate = best(subject)
  const beside = (name: string) => rate / best(subjects.find((other) => other.is === name && other.part === subject.part))
  const times = (name: string) => (Number.isFinite(beside(name)) ? `${beside(name).toFixed(1)} ×` : '-')
  const fresh = await ofNewKeys(subject)
  const cells = [rate.toFixed(2), times('flexible'), times('express'), fresh.rate.toFixed(2), fresh.bytes?.toFixed(0) ?? '-']
  const isBehind = subject.hasGoal && (rate < GOAL || beside('flexible') < 3 || beside('express') < 2)
  console.log(
    [subject.title.padEnd(titleWidth), ...cells.map((cell, at) => cell.padStart(head[at + 1]?.length ?? 0))].join('  ') +
      (isBehind ? '  below its goal' : ''),
  )
}

/** Decisions in a second of CPU time, in millions. */
async function rateOf(ask: Subject['ask']): Promise<number> {
  const before = cpuUsage()
  const until = performance.now() + ROUND_MS
  let times = 0
  while (performance.now() < until) times += await asked(ask, 5_000)
  const { user, system } = cpuUsage(before)
  return times / (user + system)
}

async function asked(ask: Subject['ask'], times: number): Promise<number> {
  for (let time = 0; time < times; time++) {
    const answer = ask((peers[time % KEYS] as string).slice(7))
    // What answers at once is not waited for.
    if (answer instanceof Promise) await answer
  }
  return times
}

/** Decisions about keys that are new, in millions a second of CPU time, and what the memory of this process grows by for each. */
async function ofNewKeys({ fresh }: Subject): Promise<{ rate: number; bytes?: number }> {
  const { gc } = globalThis
  const ask = fresh()
  gc?.()
  const memory = used()
  const before = cpuUsage()
  for (let key = 0; key < NEW_KEYS; key++) {
    const answer = ask(`192.${key & 255}.${(key >> 8) & 255}.${key >> 16}`)
    if (answer instanceof Promise) await answer
  }
  const { user, system } = cpuUsage(before)
  const rate = NEW_KEYS / (user + system)
  gc?.()
  // Not collected until it was measured.
  kept.push(ask)
  return gc ? { rate, bytes: (used() - memory) / NEW_KEYS } : { rate }
}

function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

// Timers of others would keep it.
process.exit()
