import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('origin.ts', import.meta.url))

/** A server process that can be killed and started again on its port. */
export class Origin {
  readonly name: string
  private process: ChildProcess | undefined
  private port = 0

  constructor(name: string) {
    this.name = name
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get pid(): number | undefined {
    return this.process?.pid
  }

  async start(): Promise<void> {
    if (this.process) return
    // The child runs as this process does: from the sources, or from what was built.
    const child = fork(program, [this.name, String(this.port)])
    this.process = child
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`origin ${this.name} did not start (exit code ${code})`)
    })
    // Whoever waits for the port is told; after that, an end is what the demo wants.
    ended.catch(() => {})
    const [port] = await Promise.race([once(child, 'message'), ended])
    this.port = port as number
  }

  /** As `kill -9` does: no goodbye to anybody. */
  async kill(): Promise<void> {
    const child = this.process
    if (!child) return
    this.process = undefined
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
}
