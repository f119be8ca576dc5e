import { isIPv4, isIPv6 } from 'node:net'
import { canonicalAddress, parsedIpv6 } from './address.ts'

/** A PROXY protocol header. */
export interface ProxyHeader {
  /** Bytes that it takes. */
  readonly length: number
  /** Who is behind the peer. Undefined when the peer speaks for itself (LOCAL, UNKNOWN). */
  readonly address: string | undefined
  /** From which port of that address; undefined where there is none. */
  readonly port?: number | undefined
}

/** Both ends of a connection, for a header. Addresses as Node gives them. */
export interface ProxiedConnection {
  readonly address: string
  readonly port: number
  /** Where the client connected to. */
  readonly localAddress: string
  readonly localPort: number
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V1_MAX_BYTES = 107
// The specification speaks of 536 for both address and extensions; balancers that add a certificate need more.
const V2_MAX_BYTES = 4_096

/**
 * Reads the header at the start of a connection (PROXY protocol, versions 1 and 2, as HAProxy specifies them). Extensions
 * of version 2 are skipped.
 * @returns undefined when more bytes are needed, `invalid` when no more will help
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | 'invalid' | undefined {
  if (bytes.length === 0) return undefined
  return bytes[0] === signature[0] ? readV2(bytes) : readV1(bytes)
}

function readV1(bytes: Buffer): ProxyHeader | 'invalid' | undefined {
  const start = 'PROXY '
  const text = bytes.toString('latin1', 0, V1_MAX_BYTES)
  if (!text.startsWith(start.slice(0, text.length))) return 'invalid'
  const end = text.indexOf('\r\n')
  if (end < 0) return text.length < V1_MAX_BYTES ? undefined : 'invalid'
  const length = end + 2
  const [, family, ...rest] = text.slice(0, end).split(' ')
  if (family === 'UNKNOWN') return { length, address: undefined }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined
  const [source = '', destination = '', sourcePort = '', destinationPort = ''] = rest
  if (rest.length !== 4 || !isAddress?.(source) || !isAddress(destination)) return 'invalid'
  if (!isPort(sourcePort) || !isPort(destinationPort)) return 'invalid'
  return { length, address: canonicalAddress(source), port: Number(sourcePort) }
}

const isPort = (text: string) => /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535

function readV2(bytes: Buffer): ProxyHeader | 'invalid' | undefined {
  const known = Math.min(bytes.length, signature.length)
  if (bytes.compare(signature, 0, known, 0, known) !== 0) return 'invalid'
  if (bytes.length < 16) return undefined
  const versionAndCommand = bytes.readUInt8(12)
  const family = bytes.readUInt8(13) >> 4
  const length = 16 + bytes.readUInt16BE(14)
  if (length > V2_MAX_BYTES || (versionAndCommand !== 0x20 && versionAndCommand !== 0x21)) return 'invalid'
  if (bytes.length < length) return undefined
  if (versionAndCommand === 0x20) return { length, address: undefined }
  // Unix sockets and the unspecified family name nobody.
  if (family === 0 || family === 3) return { length, address: undefined }
  const size = family === 1 ? 4 : family === 2 ? 16 : undefined
  if (size === undefined || length < 16 + size * 2 + 4) return 'invalid'
  return { length, address: addressFrom(bytes.subarray(16, 16 + size)), port: bytes.readUInt16BE(16 + size * 2) }
}

function addressFrom(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16))
  return canonicalAddress(groups.join(':'))
}

/**
 * Writes the header that tells a server who its client is. Where one end is IPv4 and the other IPv6, both are written as IPv6;
 * what is no address makes `UNKNOWN` (version 1) or `LOCAL` (version 2).
 */
export function proxyHeader(version: 1 | 2, connection: ProxiedConnection): Buffer {
  const source = canonicalAddress(connection.address)
  const destination = canonicalAddress(connection.localAddress)
  if (source === undefined || destination === undefined) return version === 1 ? unknownV1() : v2(0x20, 0, [])
  const isV4 = isIPv4(source) && isIPv4(destination)
  const ports = [connection.port, connection.localPort]
  if (version === 1) {
    const [from, to] = isV4 ? [source, destination] : [mapped(source), mapped(destination)]
    return Buffer.from(`PROXY TCP${isV4 ? 4 : 6} ${from} ${to} ${ports.join(' ')}\r\n`, 'latin1')
  }
  const bytesOf = isV4 ? (text: string) => text.split('.').map(Number) : (text: string) => parsedIpv6(mapped(text)).toByteArray()
  const block = [...bytesOf(source), ...bytesOf(destination), ...ports.flatMap((port) => [port >> 8, port & 0xff])]
  return v2(0x21, isV4 ? 0x11 : 0x21, block)
}

const unknownV1 = () => Buffer.from('PROXY UNKNOWN\r\n', 'latin1')

const mapped = (text: string) => (isIPv4(text) ? `::ffff:${text}` : text)

function v2(command: number, family: number, block: readonly number[]): Buffer {
  return Buffer.concat([signature, Buffer.from([command, family, block.length >> 8, block.length & 0xff, ...block])])
}
