import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import type { Round } from './contender.ts'
import { isPinned } from './cores.ts'
import { loadKind } from './load.ts'
import { measureRound, type RoundPlan } from './measure.ts'
import { type Origin, startOrigin } from './origin.ts'
import { connections, type Payload, payloads } from './payloads.ts'
import { table } from './report.ts'
import { subjects } from './subjects.ts'
import { type Rounds, summarize } from './summary.ts'

interface Plan extends RoundPlan {
  /** Rounds of the first payload, and of each other. */
  readonly rounds: readonly [number, number]
}

// About one minute and about six. A fresh process needs a second under load until its cost has settled.
const plans: Readonly<Record<'short' | 'full', Plan>> = {
  short: { warmUpTurns: 4, countedTurns: 3, turnMs: 160, rounds: [3, 1] },
  full: { warmUpTurns: 8, countedTurns: 8, turnMs: 200, rounds: [7, 3] },
}

/** Measures all subjects side by side and prints a table for each payload. A subject without a figure fails the process. */
export async function compare(length: keyof typeof plans, jsonFile?: string): Promise<void> {
  const plan = plans[length]
  await using origin = await startOrigin()
  const surroundings = describe(origin)
  console.log(`${surroundings.join('\n')}\n`)
  const results = []
  for (const payload of payloads) {
    const rounds = await measured(payload, plan, origin)
    const rows = summarize(rounds)
    console.log(table(payload, rows))
    results.push({ payload, rows, rounds: Object.fromEntries(rounds) })
  }
  if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify({ surroundings, plan, results }, null, 2)}\n`)
  // A bad figure is something to look at; no figure is a failure.
  if (results.some(({ rows }) => rows.some(({ counted }) => counted === 0))) process.exitCode = 1
}

function describe(origin: Origin): string[] {
  const [before = 0] = loadavg()
  return [
    `Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model}), load average before the run ${before.toFixed(1)}`,
    `origin: ${origin.kind}; load: ${loadKind} on ${connections} connections; ${isPinned ? 'the subject alone on one core' : 'not pinned to cores'}`,
  ]
}

async function measured(payload: Payload, plan: Plan, origin: Origin): Promise<Rounds> {
  const all = new Map(subjects.map(({ id }) => [id, [] as Round[]]))
  const count = plan.rounds[payload === payloads[0] ? 0 : 1]
  for (let i = 1; i <= count; i++) {
    progress(`${payload.name}, round ${i} of ${count}`)
    for (const [id, round] of await measureRound(subjects, payload, plan, origin)) all.get(id)?.push(round)
  }
  progress('')
  return all
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
}
