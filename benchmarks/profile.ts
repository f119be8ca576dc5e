import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cpuTimeNs } from './cpu.ts'
import { type CpuProfile, type Hot, hotFunctions, hotPackages } from './hot-functions.ts'
import { startLoad } from './load.ts'
import { type Origin, startOrigin } from './origin.ts'
import type { Payload } from './payloads.ts'
import { freePort, listening } from './ports.ts'
import { scratchFolder, start } from './processes.ts'
import type { Subject } from './subjects.ts'

/** Loads one subject under node's sampling profiler, and prints where its time goes: by package, then the `top` functions. */
export async function profile(subject: Subject, payload: Payload, seconds: number, top: number): Promise<void> {
  await using origin = await startOrigin()
  const port = await freePort()
  const folder = scratchFolder()
  await using program = start(profiled(subject.command(port, origin.urls), folder), 'subject')
  await listening(program, port)
  const load = startLoad(`http://127.0.0.1:${port}${payload.path}`, payload)
  await delay(1_500)
  const from = await reading(program.pid, origin)
  await delay(seconds * 1_000)
  const to = await reading(program.pid, origin)
  const { failed } = await load.stop()
  if (failed > 0) console.log(`${failed} answers failed: this is the profile of something else.`)
  // The profile is written when the process ends.
  await program.stop()

  const samples = readProfile(folder)
  const usPerRequest = (to.cpuNs - from.cpuNs) / 1_000 / (to.answered - from.answered)
  console.log(`${subject.title}, ${payload.name}: ${usPerRequest.toFixed(1)} µs of CPU for each request, the profiler included\n`)
  print(hotPackages(samples, from.atUs, to.atUs), usPerRequest)
  print(hotFunctions(samples, from.atUs, to.atUs).slice(0, top), usPerRequest)
}

function profiled([program = '', ...args]: readonly string[], folder: string): string[] {
  if (program !== process.execPath) throw new Error(`only node has a profiler of its own, not ${program}`)
  return [program, '--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=250', ...args]
}

async function reading(pid: number, origin: Origin): Promise<{ answered: number; cpuNs: number; atUs: number }> {
  const answered = await origin.answered()
  return { answered, cpuNs: cpuTimeNs(pid), atUs: Number(process.hrtime.bigint() / 1_000n) }
}

function readProfile(folder: string): CpuProfile {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'))
  if (!file) throw new Error('the subject left no profile')
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile
}

function print(rows: readonly Hot[], usPerRequest: number): void {
  for (const { name, share } of rows) {
    const percent = `${(share * 100).toFixed(1)} %`
    console.log(`${percent.padStart(7)} ${(share * usPerRequest).toFixed(2).padStart(6)} µs  ${name}`)
  }
  console.log()
}
