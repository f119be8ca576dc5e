// Clients of WebSockets by the thousand, in a process of their own: node websocket-clients.ts <port> <count>
// Raw sockets: what is measured is the gateway, and a library would cost more than it.
import { connect, type Socket } from 'node:net'

/** What it tells when asked. */
export interface Told {
  readonly open: number
  /** Messages that came back as they were sent. */
  readonly echoed: number
  /** Connections that were closed, and how many of them with which code; 1006 for none. */
  readonly closed: number
  readonly codes: Readonly<Record<number, number>>
}

const [port, count] = process.argv.slice(2).map(Number) as [number, number]
const HANDSHAKE =
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

const sockets: Socket[] = []
const codes: Record<number, number> = {}
let open = 0
let echoed = 0
let closed = 0

async function join(): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  const text = `hello ${sockets.length}`
  let received = ''
  let code = 1006
  socket.on('error', () => {})
  await new Promise<void>((resolve) => {
    socket.on('close', () => {
      closed++
      codes[code] = (codes[code] ?? 0) + 1
      resolve()
    })
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (received.includes(' 101 ') && received.endsWith('\r\n\r\n')) {
        open++
        received = ''
        resolve()
      } else if (received === `\x82${String.fromCharCode(text.length)}${text}`) {
        echoed++
        received = ''
      } else if (received.startsWith('\x88\x02') && received.length === 4) {
        code = received.charCodeAt(2) * 256 + received.charCodeAt(3)
        socket.end()
      }
    })
    socket.write(HANDSHAKE)
  })
}

/** A binary message under a mask of zeros. */
function say(socket: Socket, text: string): void {
  socket.write(`\x82${String.fromCharCode(128 + text.length)}\0\0\0\0${text}`, 'latin1')
}

process.on('message', (what) => {
  if (what === 'say') for (const [at, socket] of sockets.entries()) say(socket, `hello ${at + 1}`)
  else process.send?.({ open, echoed, closed, codes } satisfies Told)
})
for (let rest = count; rest > 0; rest -= 100) await Promise.all(Array.from({ length: Math.min(rest, 100) }, join))
process.send?.({ open, echoed, closed, codes } satisfies Told)
