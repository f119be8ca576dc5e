import { isIPv6 } from 'node:net'

/** The kinds of record that the server knows. */
export type DnsType = 'A' | 'AAAA' | 'SRV'

/** A service record (RFC 2782). Priority and weight are 0 where they are left out. */
export interface SrvTarget {
  /** `.`: the service is not there. */
  name: string
  port: number
  priority?: number
  weight?: number
}

/** What a server knows of one name. Of each kind as many as an answer of 64 KiB can hold: 4,000 addresses. */
export interface DnsRecords {
  A?: readonly string[]
  AAAA?: readonly string[]
  SRV?: readonly SrvTarget[]
  /** Seconds, for all of them. Default 60. */
  ttl?: number
}

/** What was asked for. `type` is a number where it is none of ours. */
export interface DnsQuestion {
  readonly name: string
  readonly type: DnsType | number
}

/** Reads a query (RFC 1035 §4.1), which has one question. @throws RangeError when it is cut off */
export function readQuery(message: Buffer): DnsQuestion & { readonly end: number } {
  const labels: string[] = []
  let at = HEADER
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const type = message.readUInt16BE(at + 1)
  return { name: labels.join('.').toLowerCase(), type: namesOfTypes.get(type) ?? type, end: at + 5 }
}

/**
 * Builds the answer to a query. `code` is a response code: 0 none, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
 * @throws RangeError for more records than a message can hold
 */
export function answerTo(query: Buffer, records: DnsRecords, how: { code?: number; truncated?: boolean } = {}): Buffer {
  const { type, end } = readQuery(query)
  const isEmpty = how.truncated === true || (how.code ?? 0) !== 0 || typeof type === 'number'
  const data = isEmpty ? [] : dataOf(type, records)
  const head = Buffer.from(query.subarray(0, HEADER))
  head.writeUInt16BE(0x8580 | (how.truncated ? 0x0200 : 0) | (how.code ?? 0), 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 6)
  head.writeUInt32BE(0, 8)
  const answers = data.map((each) =>
    Buffer.concat([recordHead(query.subarray(end - 4, end), records.ttl ?? 60, each.length), each]),
  )
  const message = Buffer.concat([head, query.subarray(HEADER, end), ...answers])
  if (message.length > 65_535) throw new RangeError(`a DNS message holds 65,535 bytes, and these records need ${message.length}`)
  return message
}

const HEADER = 12
const namesOfTypes: ReadonlyMap<number, DnsType> = new Map([
  [1, 'A'],
  [28, 'AAAA'],
  [33, 'SRV'],
])

function recordHead(typeAndClass: Buffer, ttl: number, length: number): Buffer {
  const head = Buffer.alloc(12)
  // A pointer to the name in the question.
  head.writeUInt16BE(0xc00c, 0)
  typeAndClass.copy(head, 2)
  head.writeUInt32BE(ttl, 6)
  head.writeUInt16BE(length, 10)
  return head
}

function dataOf(type: DnsType, { A = [], AAAA = [], SRV = [] }: DnsRecords): readonly Buffer[] {
  if (type === 'A') return A.map((address) => Buffer.from(address.split('.').map(Number)))
  if (type === 'AAAA') return AAAA.map(ipv6Bytes)
  return SRV.map(({ name, port, priority = 0, weight = 0 }) => {
    const head = Buffer.alloc(6)
    head.writeUInt16BE(priority, 0)
    head.writeUInt16BE(weight, 2)
    head.writeUInt16BE(port, 4)
    return Buffer.concat([head, nameBytes(name)])
  })
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')])), Buffer.of(0)])
}

function ipv6Bytes(address: string): Buffer {
  if (!isIPv6(address)) throw new RangeError(`${address} is not an IPv6 address`)
  const [left = '', right] = address.split('::')
  const words = (part: string) => part.split(':').filter((word) => word !== '')
  const gap = right === undefined ? [] : Array(8 - words(left).length - words(right).length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [at, word] of [...words(left), ...gap, ...words(right ?? '')].entries())
    bytes.writeUInt16BE(Number.parseInt(word, 16), at * 2)
  return bytes
}
