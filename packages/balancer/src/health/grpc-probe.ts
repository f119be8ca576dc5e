import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { framedRequest, servingStatus } from './grpc-message.ts'
import { type GrpcCheckOptions, tlsSettings } from './options.ts'
import { type Address, addressOf, type Probe, type ProbeFactory } from './probe.ts'

const MAX_BYTES = 65_536

/** Asks the gRPC health service: https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
export function grpcProbe(options: GrpcCheckOptions): ProbeFactory {
  return (endpoint) => {
    const address = addressOf(endpoint, options.port)
    if (!address || 'handler' in endpoint.target) return undefined
    return new GrpcProbe(options, endpoint.target.origin, address)
  }
}

class GrpcProbe implements Probe {
  private readonly options: GrpcCheckOptions
  private readonly origin: URL
  private readonly address: Address
  private readonly request: Buffer

  constructor(options: GrpcCheckOptions, origin: URL, address: Address) {
    this.options = options
    // Not its `origin`: of `tcp://` there is none.
    this.origin = new URL(`${origin.protocol === 'https:' ? 'https' : 'http'}://${origin.host}`)
    if (options.port !== undefined) this.origin.port = String(options.port)
    this.address = address
    this.request = framedRequest(options.service ?? '')
  }

  async check(signal: AbortSignal): Promise<void> {
    const session = this.connect()
    try {
      const status = await answerOf(session, (session) => this.ask(session), signal)
      if (status !== 'SERVING') throw new Error(`it says ${status}`)
    } finally {
      session.destroy()
    }
  }

  close(): void {}

  private connect(): ClientHttp2Session {
    const { address } = this
    // Over a Unix socket there is no TLS: who may open the file may talk.
    const socket = 'path' in address ? { createConnection: () => connectSocket(address.path) } : {}
    return connect(this.origin, { ...tlsSettings(this.options.tls), ...socket })
  }

  private ask(session: ClientHttp2Session): ClientHttp2Stream {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      ':authority': this.options.host ?? this.origin.host,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'gatelet-health-check',
    })
    stream.end(this.request)
    return stream
  }
}

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader
type Ask = (session: ClientHttp2Session) => ClientHttp2Stream

function answerOf(session: ClientHttp2Session, ask: Ask, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    session.on('error', reject)
    session.on('close', () => reject(new Error('it closed the connection')))
    const stream = ask(session)
    const chunks: Buffer[] = []
    let bytes = 0
    let head: Head = {}
    let trailers: IncomingHttpHeaders = {}
    stream.on('response', (headers) => {
      head = headers
    })
    stream.on('trailers', (headers) => {
      trailers = headers
    })
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_BYTES) reject(new Error(`it answered with more than ${MAX_BYTES} bytes`))
      else chunks.push(chunk)
    })
    stream.on('error', reject)
    stream.on('end', () => {
      try {
        resolve(judged(head, trailers, Buffer.concat(chunks)))
      } catch (error) {
        reject(error)
      }
    })
  })
}

/** @throws Error for any answer but a message with status 0 */
function judged(head: Head, trailers: IncomingHttpHeaders, message: Buffer): string {
  const http = head[':status']
  if (http !== 200) throw new Error(http === undefined ? 'it did not answer' : `it answered with ${http}`)
  // A refusal comes without a message, and its status then stands in the head.
  const status = trailers['grpc-status'] ?? head['grpc-status']
  if (status !== '0') throw new Error(`it answered with gRPC status ${status ?? 'unknown'}`)
  return servingStatus(message)
}
