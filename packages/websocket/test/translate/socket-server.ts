import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/** A server of WebSockets on 127.0.0.1, of which a test sees everything. */
export interface SocketServer extends AsyncDisposable {
  readonly url: string
  /** Connections that are open. */
  readonly sockets: ReadonlySet<WebSocket>
  /** Handshakes that were taken, oldest first. */
  readonly handshakes: readonly IncomingMessage[]
  /** Messages as text, oldest first. */
  readonly messages: readonly string[]
  /** How connections were closed, oldest first. */
  readonly closes: readonly number[]
  /** What it does with a message. */
  onMessage: OnMessage
  onOpen: (socket: WebSocket, request: IncomingMessage) => void
  /** Kills it at once, with every connection. */
  stop(): Promise<void>
  /** Listens again on the same port. */
  start(): Promise<void>
}

type OnMessage = (text: string, socket: WebSocket, isBinary: boolean) => void

/** Says everything back. */
const echo: OnMessage = (text, socket, isBinary) => socket.send(isBinary ? Buffer.from(text, 'latin1') : text)

/** Starts a server; by default it says everything back. */
export async function socketServer(onMessage: OnMessage = echo): Promise<SocketServer> {
  let listening: WebSocketServer
  const sockets = new Set<WebSocket>()
  const handshakes: IncomingMessage[] = []
  const messages: string[] = []
  const closes: number[] = []
  const start = async (port: number) => {
    listening = new WebSocketServer({ port, host: '127.0.0.1' })
    listening.on('connection', (socket, request) => {
      sockets.add(socket)
      handshakes.push(request)
      socket.on('error', () => {})
      socket.on('close', (code) => {
        sockets.delete(socket)
        closes.push(code)
      })
      socket.on('message', (data, isBinary) => {
        const text = (data as Buffer).toString(isBinary ? 'latin1' : 'utf8')
        messages.push(text)
        self.onMessage(text, socket, isBinary)
      })
      self.onOpen(socket, request)
    })
    await once(listening, 'listening')
    return (listening.address() as AddressInfo).port
  }
  const stop = async () => {
    const closed = new Promise<void>((resolve) => listening.close(() => resolve()))
    for (const socket of sockets) socket.terminate()
    await closed
  }
  const self = { onMessage, onOpen: (_: WebSocket, __: IncomingMessage) => {} }
  const port = await start(0)
  return Object.assign(self, {
    url: `ws://127.0.0.1:${port}`,
    sockets,
    handshakes,
    messages,
    closes,
    stop,
    start: async () => void (await start(port)),
    [Symbol.asyncDispose]: stop,
  })
}

/** Waits until something is so. @throws Error after 5 seconds */
export async function until(condition: () => unknown, what: string = String(condition)): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 5 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
