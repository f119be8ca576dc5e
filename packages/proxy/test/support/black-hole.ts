import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** A port of 127.0.0.1 where connections neither come about nor are refused. */
export interface BlackHole extends AsyncDisposable {
  readonly port: number
  readonly url: string
}

// Listens, and then never turns its event loop again: the kernel takes as many connections as the queue holds.
const deafServer = `
const { parentPort } = require('node:worker_threads')
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
})`

/** Makes a server whose queue of connections is full, as behind a firewall that drops. */
export async function blackHole(): Promise<BlackHole> {
  const worker = new Worker(deafServer, { eval: true })
  const [port] = (await once(worker, 'message')) as [number]
  const filling: Socket[] = []
  const fill = async (): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
    filling.push(socket)
    const isTaken = await Promise.race([once(socket, 'connect').then(() => true), pause(200).then(() => false)])
    if (isTaken) await fill()
  }
  await fill()
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of filling) socket.destroy()
      await worker.terminate()
    },
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
