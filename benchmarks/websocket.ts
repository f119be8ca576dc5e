import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from './build.ts'
import { cpuTimeNs } from './cpu.ts'
import { freePort, listening } from './ports.ts'
import { type Running, start } from './processes.ts'
import { quantile, shuffled } from './statistics.ts'
import { Clients, echoOrigin } from './websocket-load.ts'

// What a WebSocket costs: CPU time for each message that is relayed, beside the least that relays, and memory for each connection
// that is open and silent.
const subjects = [
  ['gatelet', 'serve, a balancer, proxy'],
  ['websocket-relay', "a handshake by node:http, then 'data' and write"],
  ['websocket-http-proxy', 'http-proxy 1.18.1'],
] as const
type Name = (typeof subjects)[number][0]

const isShort = process.env['BENCH_SHORT'] === '1'
const rounds = isShort ? 2 : 5
const turns = isShort ? 6 : 12
const turnMs = 200
const warmUpTurns = isShort ? 3 : 5
const idle = isShort ? 1_000 : 5_000
const goals = { timesRelay: 1.05, kibPerConnection: 10 }

if (process.platform !== 'linux') throw new Error('CPU time and memory are read from /proc, which only Linux has')
build()
const origin = await echoOrigin()

interface Figures {
  readonly cpuUs: number[]
  readonly kib: number[]
}
const figures = new Map<Name, Figures>(subjects.map(([name]) => [name, { cpuUs: [], kib: [] }]))
for (let round = 0; round < rounds; round++) {
  await messages()
  for (const [name] of shuffled(subjects)) figures.get(name)?.kib.push(await memory(name))
}
print()
process.exit(process.exitCode)

async function started(name: Name): Promise<{ program: Running; clients: Clients }> {
  const port = await freePort()
  const file = fileURLToPath(new URL(`dist/subjects/${name}.js`, import.meta.url))
  const program = start([process.execPath, file, String(port), origin.url], 'subject')
  await listening(program, port)
  return { program, clients: new Clients(port) }
}

/** Each subject has 32 clients that say something and wait for the answer; they take turns. */
async function messages(): Promise<void> {
  const running = new Map<Name, Awaited<ReturnType<typeof started>>>()
  for (const [name] of subjects) running.set(name, await started(name))
  for (const { clients } of running.values()) await clients.open(32)
  for (let turn = 0; turn < warmUpTurns + turns; turn++) {
    for (const [name, { program, clients }] of shuffled([...running])) {
      const before = { cpu: cpuTimeNs(program.pid), answered: clients.answered }
      await clients.talk(turnMs)
      // The last answers are on their way.
      await delay(20)
      const relayed = 2 * (clients.answered - before.answered)
      if (relayed === 0) throw new Error(`${name} relayed nothing`)
      if (turn >= warmUpTurns) figures.get(name)?.cpuUs.push((cpuTimeNs(program.pid) - before.cpu) / 1_000 / relayed)
    }
  }
  for (const { program, clients } of running.values()) {
    clients.close()
    await program.stop()
  }
}

/** What a fresh process grows by for each connection, in KiB. */
async function memory(name: Name): Promise<number> {
  const { program, clients } = await started(name)
  await clients.open(200)
  await delay(500)
  const before = residentKib(program.pid)
  await clients.open(idle)
  await delay(1_000)
  const grown = residentKib(program.pid) - before
  clients.close()
  await program.stop()
  return grown / idle
}

function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])
}

function print(): void {
  const at = (name: Name, what: keyof Figures, q: number) => quantile(figures.get(name)?.[what] ?? [], q)
  const relay = at('websocket-relay', 'cpuUs', 0.25)
  console.log(
    `${'subject'.padEnd(64)} ${'CPU µs/message'.padStart(16)} ${'× relay'.padStart(8)} ${'KiB/idle connection'.padStart(22)}`,
  )
  for (const [name, title] of subjects) {
    const cpu = `${at(name, 'cpuUs', 0.25).toFixed(1)} (${at(name, 'cpuUs', 0.5).toFixed(1)})`
    const kib = `${at(name, 'kib', 0.5).toFixed(1)} (${at(name, 'kib', 0).toFixed(1)}-${at(name, 'kib', 1).toFixed(1)})`
    const times = (at(name, 'cpuUs', 0.25) / relay).toFixed(2)
    console.log(`${`${name}: ${title}`.padEnd(64)} ${cpu.padStart(16)} ${times.padStart(8)} ${kib.padStart(22)}`)
  }
  console.log(
    `A message is 128 bytes one way. CPU: lower quartile (median) of ${rounds * turns} turns of ${turnMs} ms, 32 connections; memory: ` +
      `median (least-most) of ${rounds}, ${idle} connections. Goals: ${goals.timesRelay} × relay, ${goals.kibPerConnection} KiB.`,
  )
}
