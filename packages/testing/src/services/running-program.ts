import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A server of somebody else that runs for a test. `await using` ends it. */
export interface RunningProgram extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string
  readonly port: number
  /** Sends it a signal: `SIGSTOP` makes it hang until `SIGCONT`. */
  signal(signal: NodeJS.Signals): void
  /** Ends it, and resolves when it has. */
  close(): Promise<void>
}

/** A program, and what it is given. */
export interface ProgramInit {
  readonly program: string
  /** Its arguments. It must stay in the foreground, listen on this port of 127.0.0.1, and write into this folder alone. */
  readonly args: (port: number, folder: string) => readonly string[] | Promise<readonly string[]>
  /** Default: one that is free. */
  readonly port?: number
  /** Whom it runs as. Default: who runs the test. */
  readonly user?: ProgramUser | undefined
  /** How it is told to end; what does not is killed after five seconds. Default: `SIGKILL`. */
  readonly endSignal?: NodeJS.Signals
}

/** A user of the system, by its numbers. */
export interface ProgramUser {
  readonly uid: number
  readonly gid: number
}

/**
 * Starts a program on a free port of 127.0.0.1, with a folder of its own that is removed afterwards, and waits until it
 * accepts connections. It ends with this process at the latest.
 * @throws Error with what it wrote, when it ends or does not listen within ten seconds
 */
export async function startProgram({
  program,
  args,
  port: wanted,
  user,
  endSignal = 'SIGKILL',
}: ProgramInit): Promise<RunningProgram> {
  const port = wanted ?? (await freePort())
  const folder = await mkdtemp(join(tmpdir(), 'gatelet-test-'))
  const child = spawn(program, await args(port, folder), { stdio: ['ignore', 'pipe', 'pipe'], ...user })
  const closed = once(child, 'close').catch(() => {})
  let output = ''
  let hasEnded = false
  void closed.then(() => (hasEnded = true))
  const collect = (chunk: Buffer | Error) => {
    if (output.length < 10_000) output += String(chunk)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  child.on('error', collect)
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const close = async () => {
    process.off('exit', kill)
    child.kill(endSignal)
    const last = setTimeout(kill, 5_000)
    await closed
    clearTimeout(last)
    await rm(folder, { recursive: true, force: true })
  }
  const signal = (name: NodeJS.Signals) => void child.kill(name)
  for (let waited = 0; waited < 10_000 && !hasEnded; waited += 20) {
    if (await accepts(port)) return { url: `http://127.0.0.1:${port}`, port, signal, close, [Symbol.asyncDispose]: close }
    await delay(20)
  }
  await close()
  throw new Error(`${program} does not listen: ${output.trim() || 'it says nothing'}`)
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
