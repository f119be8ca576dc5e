import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** Opcodes of RFC 6455 §5.2. */
export const op = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** How a frame differs from a right one. */
export interface FrameForm {
  fin?: boolean
  rsv?: number
  masked?: boolean
  mask?: readonly [number, number, number, number]
  /** Bits of the length field; default: the fewest that do. */
  lengthBits?: 7 | 16 | 64
  /** What the length field says, where that is not the payload's length. */
  says?: bigint
}

/** The bytes of one frame of a client. */
export function frame(opcode: number, payload: string | Uint8Array = '', form: FrameForm = {}): Buffer {
  const bytes = Buffer.from(payload as string)
  const { fin = true, rsv = 0, masked = true, mask = [0x37, 0xfa, 0x21, 0x3d], says = BigInt(bytes.length) } = form
  const lengthBits = form.lengthBits ?? (says < 126n ? 7 : says < 65_536n ? 16 : 64)
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  const length = Buffer.alloc(lengthBits === 7 ? 1 : lengthBits === 16 ? 3 : 9)
  length[0] = lengthBits === 7 ? Number(says) : lengthBits === 16 ? 126 : 127
  if (lengthBits === 16) length.writeUInt16BE(Number(says), 1)
  if (lengthBits === 64) length.writeBigUInt64BE(says, 1)
  if (masked) length[0] |= 0x80
  const body = masked ? bytes.map((byte, at) => byte ^ (mask[at % 4] as number)) : bytes
  return Buffer.concat([Buffer.from([first]), length, masked ? Buffer.from(mask) : Buffer.alloc(0), body])
}

/** The payload of a close frame. */
export function goodbye(code: number, reason: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(code)
  return Buffer.concat([bytes, Buffer.from(reason as string)])
}

/** A frame of the server. */
export interface ReceivedFrame {
  readonly opcode: number
  readonly first: number
  readonly isMasked: boolean
  readonly payload: Buffer
}

/** Frames of the server in what was received; what is cut at the end is left out. */
export function framesIn(bytes: Buffer): ReceivedFrame[] {
  const frames: ReceivedFrame[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const first = bytes[at] as number
    const second = bytes[at + 1] as number
    const short = second & 0x7f
    const head = short === 126 ? 4 : short === 127 ? 10 : 2
    if (at + head > bytes.length) break
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short
    if (at + head + length > bytes.length) break
    const payload = bytes.subarray(at + head, at + head + length)
    frames.push({ opcode: first & 15, first, isMasked: (second & 0x80) !== 0, payload })
    at += head + length
  }
  return frames
}

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** What belongs behind the key of a handshake (RFC 6455 §4.2.2). */
export const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

/** Lines of a handshake that is right, with others in place of some; null leaves one out. */
export function handshake(changed: Readonly<Record<string, string | null>> = {}, line = 'GET /socket HTTP/1.1'): string {
  const fields = new Map<string, string | null>([
    ['Host', 'gateway.example'],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', KEY],
    ...Object.entries(changed),
  ])
  const lines = [...fields].flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
  return `${line}\r\n${lines.join('\r\n')}\r\n\r\n`
}

/** A client that says what it is told to, byte for byte. */
export class RawWebSocket {
  private readonly socket: Socket
  private received: Buffer = Buffer.alloc(0)
  private isOver = false
  private wake: (() => void)[] = []

  constructor(url: string) {
    const { port } = new URL(url)
    this.socket = connect(Number(port), '127.0.0.1')
    this.socket.setNoDelay()
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
      this.tell()
    })
    this.socket.on('close', () => {
      this.isOver = true
      this.tell()
    })
  }

  /** Connects and shakes hands. */
  static async open(url: string, fields: Readonly<Record<string, string>> = {}): Promise<RawWebSocket> {
    const client = new RawWebSocket(url)
    client.write(handshake(fields))
    const head = await client.head()
    if (!head.startsWith('HTTP/1.1 101')) throw new Error(head)
    return client
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** One byte after the other, each in a packet of its own as far as that can be had. */
  async dribble(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes)
      await new Promise<void>((resolve) => this.socket.write(Buffer.from([byte]), () => setImmediate(resolve)))
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** Breaks off by a reset. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** The whole head of the answer, or what came before the end. */
  async head(): Promise<string> {
    await this.until(() => this.isOver || this.received.includes('\r\n\r\n'))
    const end = this.received.indexOf('\r\n\r\n')
    const head = this.received.subarray(0, end < 0 ? undefined : end + 4).toString('latin1')
    this.received = this.received.subarray(head.length)
    return head
  }

  /** Frames so far. */
  get frames(): ReceivedFrame[] {
    return framesIn(this.received)
  }

  /** Waits for so many frames. */
  async some(count: number): Promise<ReceivedFrame[]> {
    await this.until(() => this.isOver || this.frames.length >= count)
    return this.frames
  }

  /** Every frame until the connection is over. */
  async all(): Promise<ReceivedFrame[]> {
    await this.until(() => this.isOver)
    return this.frames
  }

  /** The code of the server's goodbye, and its reason, as soon as it is here. */
  async goodbye(): Promise<[code: number | undefined, reason: string | undefined]> {
    const found = () => this.frames.find(({ opcode }) => opcode === op.close)?.payload
    await this.until(() => this.isOver || found() !== undefined)
    return [found()?.readUInt16BE(), found()?.subarray(2).toString()]
  }

  /** The code that the server closes with; undefined when it just breaks off. */
  async closeCode(): Promise<number | undefined> {
    const last = (await this.all()).find(({ opcode }) => opcode === op.close)
    return last && (last.payload.length >= 2 ? last.payload.readUInt16BE() : 1005)
  }

  /** The rest of the answer to a handshake that was refused. */
  async rest(): Promise<string> {
    await this.until(() => this.isOver)
    return this.received.toString('latin1')
  }

  private async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) await new Promise<void>((resolve) => this.wake.push(resolve))
  }

  private tell(): void {
    for (const wake of this.wake.splice(0)) wake()
  }
}
