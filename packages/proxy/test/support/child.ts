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
  const failed = once(child, 'exit').then(() => Promise.reject(new Error('the gateway ended')))
  return Promise.race([once(child, 'message').then(([told]) => told as T), failed])
}
