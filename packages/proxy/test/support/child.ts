import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Memory } from './gateway-program.ts'

// On sources like the tests themselves, unless these run on what users install.
const conditions = process.env['GATELET_DIST'] === '1' ? [] : ['--conditions=@gatelet/source']
const execArgv = [...conditions, '--import', 'tsx']
const pathOf = (program: string) => fileURLToPath(new URL(program, import.meta.url))

/** Runs a program that stands beside this file, and reads what it prints as JSON. @throws Error when it fails */
export async function childJson<T>(program: string, env: Readonly<Record<string, string>>): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [...execArgv, pathOf(program)], {
    env: { ...process.env, ...env },
    timeout: 60_000,
  })
  return JSON.parse(stdout) as T
}

/** A gateway in a process of its own. */
export interface GatewayProcess extends AsyncDisposable {
  readonly port: number
  /** The memory (RSS) that it uses now, and the most that it used since it was asked last, in bytes. */
  memory(): Promise<Memory>
}

/** Starts a gateway that forwards to one server. */
export async function gatewayProcess(upstream: string): Promise<GatewayProcess> {
  const child = fork(pathOf('gateway-program.ts'), [upstream], { execArgv })
  const { port } = await message<{ port: number }>(child)
  return {
    port,
    memory() {
      child.send('memory')
      return message<Memory>(child)
    },
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function message<T>(child: ChildProcess): Promise<T> {
  const over = new AbortController()
  const { signal } = over
  const failed = once(child, 'exit', { signal }).then(() => Promise.reject(new Error('the program ended')))
  failed.catch(() => {})
  try {
    return await Promise.race([once(child, 'message', { signal }).then(([told]) => told as T), failed])
  } finally {
    over.abort()
  }
}

/** A program beside this file, that tells something once it is ready and whenever it is asked. */
export interface Program<T> extends AsyncDisposable {
  readonly ready: T
  send(what: string): void
  ask<A>(what: string): Promise<A>
}

/** Starts it, and waits until it is ready. */
export async function program<T>(name: string, ...args: string[]): Promise<Program<T>> {
  const child = fork(pathOf(name), args, { execArgv })
  const ready = await message<T>(child)
  return {
    ready,
    send: (what) => void child.send(what),
    ask<A>(what: string) {
      child.send(what)
      return message<A>(child)
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
