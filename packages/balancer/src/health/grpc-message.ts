/** What a health service says of a service: `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const

/** A request message with its gRPC frame: flag and length, then field 1 (a string), left out when empty as proto3 does. */
export function framedRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8')
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name])
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(message.length, 1)
  return Buffer.concat([frame, message])
}

/**
 * What the first message of a response says: field 1 (an enum); fields that it does not know are passed over.
 * @throws Error for what is no such message
 */
export function servingStatus(framed: Uint8Array): string {
  const frame = Buffer.from(framed.buffer, framed.byteOffset, framed.byteLength)
  if (frame.length < 5) throw new Error('its answer holds no message')
  if (frame[0] !== 0) throw new Error('its answer is compressed, which was not asked for')
  const length = frame.readUInt32BE(1)
  if (frame.length < 5 + length) throw new Error('its answer is cut off')
  const status = statusIn(new Reader(frame.subarray(5, 5 + length)))
  return statuses[status] ?? String(status)
}

function statusIn(reader: Reader): number {
  let status = 0
  while (!reader.isAtEnd) {
    const tag = reader.varint()
    if (tag === 8) status = reader.varint()
    else reader.skip(tag & 7)
  }
  return status
}

/** Protocol Buffers, as much as passing over a message takes. */
class Reader {
  private readonly bytes: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length
  }

  /** @throws Error when it is longer than the ten bytes that 64 bits take */
  varint(): number {
    let value = 0
    for (let place = 0; place < 10; place++) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * 2 ** (7 * place)
      if (byte < 0x80) return value
    }
    throw new Error('its answer is not valid Protocol Buffers')
  }

  skip(wireType: number): void {
    const length = { 0: 0, 1: 8, 2: Number.NaN, 5: 4 }[wireType]
    if (length === undefined) throw new Error('its answer is not valid Protocol Buffers')
    // Read before it is added: reading moves the place to which it is added.
    const read = wireType === 0 || wireType === 2 ? this.varint() : 0
    this.at += wireType === 2 ? read : length
    if (this.at > this.bytes.length) throw new Error('its answer is not valid Protocol Buffers')
  }
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left]
    bytes.push((left % 128) | 0x80)
  }
}
