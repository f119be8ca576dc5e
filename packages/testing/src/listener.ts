import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'

const MAX_TRIES = 25

/** An HTTP server on 127.0.0.1 that can be closed and opened again on the same port. */
export class Listener {
  readonly server: Server
  /** Open connections with their number, counted from 1. */
  readonly sockets: Map<Socket, number> = new Map()
  /** Connections accepted since the start. */
  accepted = 0
  port = 0

  constructor(changed: () => void) {
    // It never closes by itself: when an idle connection ends is for the test to say.
    this.server = createServer({ keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 })
    this.server.on('connection', (socket: Socket) => {
      this.sockets.set(socket, ++this.accepted)
      // Upgraded sockets have no other listener, and an unheard 'error' ends the process.
      socket.on('error', () => {})
      socket.on('close', () => {
        this.sockets.delete(socket)
        changed()
      })
      changed()
    })
  }

  /** Listens, the second time on the port of the first. @throws Error `EADDRINUSE` when another program took it */
  async open(): Promise<void> {
    for (let tries = 1; !this.server.listening; tries++) {
      try {
        await this.listen()
      } catch (error) {
        // Some outgoing connection of this machine may hold the port for a moment.
        if (tries === MAX_TRIES || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
        await setTimeout(20)
      }
    }
  }

  /** Refuses connections from now on and closes idle ones. */
  shut(): void {
    if (this.server.listening) this.server.close()
  }

  /** As when its process is killed: nothing listens, every connection is closed. */
  kill(): void {
    this.shut()
    for (const socket of this.sockets.keys()) socket.destroy()
  }

  private listen(): Promise<void> {
    const { server } = this
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => {
        server.off('error', settle)
        server.off('listening', settle)
        if (error) return reject(error)
        this.port = (server.address() as { port: number }).port
        resolve()
      }
      server.on('error', settle)
      server.on('listening', settle)
      server.listen(this.port, '127.0.0.1')
    })
  }
}
