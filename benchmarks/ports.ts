import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Running } from './processes.ts'

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
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
