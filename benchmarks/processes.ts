import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Place, pinned } from './cores.ts'

/** A program that runs beside this one and ends with it. */
export interface Running extends AsyncDisposable {
  readonly pid: number
  /** What it has written so far; the first 100,000 characters. */
  readonly output: string
  readonly hasEnded: boolean
  signal(signal: NodeJS.Signals): void
  /** Asks it to end, and resolves when it has; kills it after three seconds. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** A new folder for files that are gone when this process is. */
export function scratchFolder(): string {
  cleanUpAtExit()
  const folder = mkdtempSync(join(tmpdir(), 'gatelet-bench-'))
  folders.push(folder)
  return folder
}

/** Starts a program. */
export function start(command: readonly string[], place: Place): Running {
  cleanUpAtExit()
  const [program = '', ...args] = pinned(command, place)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  child.once('close', () => children.delete(child))
  let output = ''
  const collect = (chunk: Buffer | Error) => {
    if (output.length < 100_000) output += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  child.once('error', collect)
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => ended(child, signal)
  return {
    pid: child.pid ?? 0,
    get output() {
      return output
    },
    get hasEnded() {
      return !children.has(child)
    },
    signal: (signal) => void child.kill(signal),
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!children.has(child)) return
  const closed = once(child, 'close')
  child.kill(signal)
  // One that is paused hears nothing else.
  child.kill('SIGCONT')
  const impatience = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await closed
  clearTimeout(impatience)
}

const children = new Set<ChildProcess>()
const folders: string[] = []
let isCleanedUp = false

function cleanUpAtExit(): void {
  if (isCleanedUp) return
  isCleanedUp = true
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL')
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  // By itself, a signal would end this process without 'exit', and leave the others running.
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
}
