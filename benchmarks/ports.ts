import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Running } from './processes.ts'

/** A port of 127.0.0.1 that nobody listens on; not one of those that the system hands out, which may be gone at once. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Resolves when the program accepts connections. @throws Error when it ends, or does not within ten seconds */
export async function listening(program: Running, port: number): Promise<void> {
  for (let waited = 0; waited < 10_000 && !program.hasEnded; waited += 20) {
    if (await accepts(port)) return
    await delay(20)
  }
  throw new Error(`it does not listen: ${program.output.trim() || 'and says nothing'}`)
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
