import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const headEnd = '\r\n\r\n'

/** A frame of 128 bytes: 126 of content behind two of head, as servers send it. */
const answer: Buffer = Buffer.concat([Buffer.from([0x82, 126, 0, 124]), Buffer.alloc(124, 'x')])
/** The same under a mask of zeros. */
const message: Buffer = Buffer.concat([Buffer.from([0x82, 254, 0, 120, 0, 0, 0, 0]), Buffer.alloc(120, 'x')])

/** Answers each message by one of 128 bytes. */
export async function echoOrigin(): Promise<{ url: string; server: Server }> {
  const server = createServer({ noDelay: true }, (socket) => {
    let head = ''
    let rest = 0
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      if (head !== 'done') {
        head += chunk.toString('latin1')
        if (!head.endsWith(headEnd)) return
        socket.write(switched(head))
        head = 'done'
        return
      }
      rest += chunk.length
      for (; rest >= message.length; rest -= message.length) socket.write(answer)
    })
  })
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 })
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, server }
}

function switched(head: string): string {
  const key = /^sec-websocket-key: *(.*)\r$/im.exec(head)?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64')
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}${headEnd}`
}

/** Clients of one subject. */
export class Clients {
  /** Messages that went one way and came back, all of them together. */
  answered = 0
  private readonly port: number
  private readonly sockets: Socket[] = []
  private isBusy = false

  constructor(port: number) {
    this.port = port
  }

  /** Opens so many more. @throws Error when a handshake fails */
  async open(count: number): Promise<void> {
    for (let rest = count; rest > 0; rest -= 50) await Promise.all(Array.from({ length: Math.min(rest, 50) }, () => this.join()))
  }

  /** Lets every client send the next message as soon as it has the answer to the last, for `ms`. */
  async talk(ms: number): Promise<void> {
    this.isBusy = true
    for (const socket of this.sockets) socket.write(message)
    await new Promise((resolve) => setTimeout(resolve, ms))
    this.isBusy = false
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private async join(): Promise<void> {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true })
    this.sockets.push(socket)
    await once(socket, 'connect')
    socket.write(
      `GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}${headEnd}`,
    )
    const [head] = (await once(socket, 'data')) as [Buffer]
    if (!head.toString('latin1').includes(' 101 ')) throw new Error(`no handshake: ${head}`)
    let rest = 0
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      rest += chunk.length
      if (rest < answer.length) return
      rest -= answer.length
      this.answered++
      if (this.isBusy) socket.write(message)
    })
  }
}
