import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { isPinned } from './cores.ts'
import { loadKind } from './load.ts'
import { measure, type Round, type RoundTimes } from './measure.ts'
import { type Origin, startOrigin } from './origin.ts'
import { connections, type Payload, payloads } from './payloads.ts'
import { table } from './report.ts'
import { shuffled } from './statistics.ts'
import { subjects } from './subjects.ts'
import { type Rounds, summarize } from './summary.ts'

interface Plan extends RoundTimes {
  /** Rounds of the first payload, and of each other. */
  readonly rounds: readonly [number, number]
}

// About 54 seconds and about 5.5 minutes; each round takes a third of a second more, to start and to stop.
const plans: Readonly<Record<'short' | 'full', Plan>> = {
  short: { warmUpMs: 500, countedMs: 600, rounds: [3, 2] },
  full: { warmUpMs: 1_000, countedMs: 2_000, rounds: [9, 4] },
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
  const rounds = plan.rounds[payload === payloads[0] ? 0 : 1]
  for (let round = 1; round <= rounds; round++) {
    for (const subject of shuffled(subjects)) {
      progress(`${payload.name}, round ${round} of ${rounds}: ${subject.title}`)
      all.get(subject.id)?.push(await measure(subject, payload, plan, origin).catch(broken))
    }
  }
  progress('')
  return all
}

function broken(error: unknown): Round {
  return { samples: [], failed: 0, fault: error instanceof Error ? error.message : String(error) }
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
}
