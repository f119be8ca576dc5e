import { connect, type Socket } from 'node:net'
import { until } from './serving.ts'

/** A frame of HTTP/2 (RFC 9113 §4.1). */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
  unknown: 99,
} as const

/** The bytes of a frame. */
export function frame(type: keyof typeof types, flags: number, id: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.byteLength, 0, 3)
  head.writeUInt8(types[type], 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, payload])
}

/** Header fields as HPACK has them (RFC 7541 §6.2.2: literal, without indexing and without Huffman's code). */
export function fields(list: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(list.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]))
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const preface: Buffer = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'), frame('settings', 0, 0)])

/** The head of a request that ends with it. */
export function get(id: number, more: readonly (readonly [string, string])[] = [], flags = 5): Buffer {
  const head = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', '/'],
  ] as const
  return frame('headers', flags, id, fields([...head, ...more]))
}

/** A client that writes frames byte for byte. */
export class RawHttp2 implements AsyncDisposable {
  readonly frames: Frame[] = []
  isClosed = false
  readonly socket: Socket
  private received: Buffer = Buffer.alloc(0)

  /** @param before what goes before the preface */
  constructor(port: number, before: Buffer = Buffer.alloc(0)) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.isClosed = true
    })
    this.socket.on('data', (chunk) => this.read(chunk))
    this.socket.write(Buffer.concat([before, preface]))
  }

  write(...bytes: Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(bytes))
  }

  /** Waits for a frame of that type. */
  async frame(type: keyof typeof types, isRight: (frame: Frame) => boolean = () => true): Promise<Frame> {
    const find = () => this.frames.find((each) => each.type === types[type] && isRight(each))
    await until(find)
    return find() as Frame
  }

  async closed(): Promise<void> {
    await until(() => this.isClosed)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    await this.closed()
  }

  private read(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk])
    while (this.received.length >= 9) {
      const length = this.received.readUIntBE(0, 3)
      if (this.received.length < 9 + length) return
      const payload = Buffer.from(this.received.subarray(9, 9 + length))
      const id = this.received.readUInt32BE(5) & 0x7fffffff
      this.frames.push({ type: this.received.readUInt8(3), flags: this.received.readUInt8(4), id, payload })
      this.received = this.received.subarray(9 + length)
    }
  }
}

/** The error code of a GOAWAY or of an RST_STREAM. */
export const codeOf = ({ type, payload }: Frame): number => payload.readUInt32BE(type === types.goaway ? 4 : 0)
