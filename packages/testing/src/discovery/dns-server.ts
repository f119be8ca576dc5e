import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Watch } from '../watch.ts'
import { answerTo, type DnsQuestion, type DnsRecords, type DnsType, readQuery } from './dns-message.ts'

/** What a DNS server does wrong, for all queries or for those of one type. */
export interface DnsFault {
  /**
   * `servfail`, `refused`: that response code. `silence`: no answer. `garbage`: bytes that are no message. `truncate`: over
   * UDP it says that the answer is too long, so that it is asked again over TCP.
   */
  kind: 'servfail' | 'refused' | 'silence' | 'garbage' | 'truncate'
  type?: DnsType
}

/** A query that came. */
export interface DnsQuery extends DnsQuestion {
  readonly over: 'udp' | 'tcp'
}

/** A real DNS server on 127.0.0.1, over UDP and TCP. Names that it does not know are NXDOMAIN. */
export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:<port>`, for a resolver's servers. */
  readonly address: string
  /** What it knows, by name in lower case. Changed at any time. */
  readonly records: Map<string, DnsRecords>
  fault: DnsFault | undefined
  /** What came, oldest first, at most 10,000. */
  readonly queries: readonly DnsQuery[]
  /** Waits for a state. @param withinMs real milliseconds, default 5000; rejects then */
  when(condition: (server: DnsServer) => unknown, withinMs?: number): Promise<void>
  close(): Promise<void>
}

/**
 * Starts a DNS server on a free port.
 * @example
 * await using server = await dnsServer({ 'orders.test': { A: ['10.0.0.1'], ttl: 5 } })
 * const source = dns('orders.test', { port: 8080, servers: [server.address] })
 */
export async function dnsServer(records: Readonly<Record<string, DnsRecords>> = {}): Promise<DnsServer> {
  const server = new Running(new Map(Object.entries(records)))
  await server.open()
  return server
}

const MAX_QUERIES = 10_000
const CODES: Partial<Record<DnsFault['kind'], number>> = { servfail: 2, refused: 5 }

class Running implements DnsServer {
  readonly records: Map<string, DnsRecords>
  readonly queries: DnsQuery[] = []
  address = ''
  fault: DnsFault | undefined
  private readonly watch = new Watch()
  private readonly sockets = new Set<Socket>()
  private udp: DatagramSocket | undefined
  private tcp: Server | undefined

  constructor(records: Map<string, DnsRecords>) {
    this.records = records
  }

  async open(): Promise<void> {
    for (let tries = 1; !this.tcp; tries++) {
      const udp = createSocket('udp4')
      udp.bind(0, '127.0.0.1')
      await once(udp, 'listening')
      const { port } = udp.address()
      try {
        this.tcp = await this.listen(port)
        this.udp = udp
        this.address = `127.0.0.1:${port}`
      } catch (error) {
        udp.close()
        // The port that UDP was given may be taken for TCP.
        if (tries === 25) throw error
      }
    }
    this.udp?.on('error', () => {})
    this.udp?.on('message', (query, { port, address }) => {
      const answer = this.answer(query, 'udp')
      if (answer) this.udp?.send(answer, port, address)
    })
  }

  when(condition: (server: DnsServer) => unknown, withinMs = 5000): Promise<void> {
    const missing = () => `the DNS server did not come to the state in ${withinMs} ms: ${this.queries.length} queries came`
    return this.watch.until(() => Boolean(condition(this)), withinMs, missing)
  }

  async close(): Promise<void> {
    if (!this.tcp?.listening) return
    const closed = [once(this.tcp, 'close'), this.udp && once(this.udp, 'close')]
    this.tcp.close()
    this.udp?.close()
    for (const socket of this.sockets) socket.destroy()
    await Promise.all(closed)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async listen(port: number): Promise<Server> {
    const tcp = createServer((socket) => this.serve(socket))
    tcp.listen(port, '127.0.0.1')
    await once(tcp, 'listening')
    return (tcp.address() as AddressInfo).port === port ? tcp : Promise.reject(new Error('another port'))
  }

  // Over TCP each message has its length before it (RFC 1035 §4.2.2).
  private serve(socket: Socket): void {
    let rest: Buffer = Buffer.alloc(0)
    this.sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0)
        const answer = this.answer(rest.subarray(2, end), 'tcp')
        rest = rest.subarray(end)
        if (answer) socket.write(Buffer.concat([Buffer.of(answer.length >> 8, answer.length & 255), answer]))
      }
    })
  }

  private answer(query: Buffer, over: DnsQuery['over']): Buffer | undefined {
    const question = questionIn(query)
    if (!question) return undefined
    const { name, type } = question
    if (this.queries.push({ name, type, over }) > MAX_QUERIES) this.queries.shift()
    this.watch.changed()
    const fault = this.fault?.type === undefined || this.fault.type === type ? this.fault : undefined
    if (fault?.kind === 'silence') return undefined
    if (fault?.kind === 'garbage') return Buffer.concat([query.subarray(0, 2), Buffer.from('no message at all')])
    const known = this.records.get(name)
    const code = (fault && CODES[fault.kind]) ?? (known ? 0 : 3)
    return answerTo(query, known ?? {}, { code, truncated: fault?.kind === 'truncate' && over === 'udp' })
  }
}

// What is no query is not answered, as by others.
function questionIn(query: Buffer): DnsQuestion | undefined {
  try {
    return readQuery(query)
  } catch {
    return undefined
  }
}
