import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** A program in a process of its own. `await using program = …` ends it, if it has not ended before. */
export interface ChildProgram extends AsyncDisposable {
  /** All that it has printed, errors too. */
  readonly output: string
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
  /** Waits until it has printed this. @throws Error when it ends before */
  printed(what: RegExp): Promise<RegExpExecArray>
  /** Waits until it listens. @throws Error when it ends before */
  listening(port: number): Promise<void>
  kill(signal: NodeJS.Signals): void
}

/** How a program is started. */
export interface ChildInit {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** Starts Node with these arguments. */
export function childProgram(args: readonly string[], { cwd, env }: ChildInit): ChildProgram {
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let hasEnded = false
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = once(child, 'close').then(([code, signal]) => {
    hasEnded = true
    return code ?? signal
  })

  async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
    for (;;) {
      // Asked first: what is printed last is still seen.
      const wasOver = hasEnded
      const found = await look()
      if (found) return found
      if (wasOver) throw new Error(`the program ended (${await ended}) too early; it said:\n${output}`)
      await setTimeout(5)
    }
  }

  return {
    get output() {
      return output
    },
    ended,
    printed: (what) => until(() => what.exec(output)),
    async listening(port) {
      await until(() => accepts(port))
    },
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (!hasEnded) child.kill('SIGKILL')
      await ended
    },
  }
}

/** Whether something listens on a port of 127.0.0.1. */
export async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** A port that nobody listens on, for programs that must be told one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The text with each of these replaced, wherever it stands. @throws Error for one that is not in it: nothing would be tested */
export function replaced(text: string, by: Readonly<Record<string, string>>): string {
  return Object.entries(by).reduce((before, [what, other]) => {
    if (!before.includes(what)) throw new Error(`there is no ${what} in the program`)
    return before.replaceAll(what, other)
  }, text)
}
