import { type RawServer, type RawSocket, rawServer } from '@gatelet/testing'

/** One request as it came over the wire, read by rules that take nothing but plain HTTP/1.1. */
interface SeenRequest {
  /** `GET /x`: without the version, which is always 1.1. */
  readonly line: string
  /** Names in lower case, in the order in which they came. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Without chunk framing, latin1. */
  readonly body: string
  /** Which connection, from 0. */
  readonly connection: number
  /** All values of a field. */
  all(name: string): string[]
}

/** An upstream that writes down what it is asked, and whatever is no plain HTTP/1.1. */
export interface RecordingUpstream extends AsyncDisposable {
  readonly url: string
  readonly server: RawServer
  readonly requests: readonly SeenRequest[]
  /** The request lines, in the order of their coming. */
  readonly lines: readonly string[]
  /** What came and was no plain HTTP/1.1. Must stay empty, whatever a client sends. */
  readonly faults: readonly string[]
}

/** Says what is answered: whole bytes. */
export type Answer = (request: SeenRequest) => string

const fine: Answer = ({ line }) => `HTTP/1.1 200 OK\r\nContent-Length: ${line.startsWith('HEAD ') ? '2\r\n\r\n' : '2\r\n\r\nok'}`

/** Starts one. It answers each request when the whole of it is here, and keeps the connection. */
export async function recordingUpstream(answer: Answer = fine): Promise<RecordingUpstream> {
  const requests: SeenRequest[] = []
  const faults: string[] = []
  const server = await rawServer(async (connection, index) => {
    try {
      for (;;) {
        const request = await readRequest(connection, index)
        if (!request) return
        requests.push(request)
        connection.write(answer(request))
      }
    } catch (error) {
      faults.push((error as Error).message)
      await connection.reset()
    }
  })
  return {
    url: server.url,
    server,
    requests,
    faults,
    get lines() {
      return requests.map(({ line }) => line)
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

async function readRequest(connection: RawSocket, index: number): Promise<SeenRequest | undefined> {
  const head = await piece(connection, '\r\n\r\n')
  if (head === undefined) return undefined
  const [first = '', ...rest] = head.slice(0, -4).split('\r\n')
  const line = /^([A-Z-]+ [\x21-\x7e]+) HTTP\/1\.1$/.exec(first)?.[1]
  if (line === undefined) throw new Error(`no request line: ${JSON.stringify(first)}`)
  const fields = rest.map(fieldOf)
  const all = (name: string) => fields.filter(([known]) => known === name).map(([, value]) => value)
  if (all('host').length !== 1) throw new Error(`${all('host').length} Host fields`)
  const body = await readBody(connection, all('content-length'), all('transfer-encoding'))
  return body === undefined ? undefined : { line, fields, body, connection: index, all }
}

function fieldOf(text: string): readonly [string, string] {
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(text)
  if (!match) throw new Error(`no header field: ${JSON.stringify(text)}`)
  return [(match[1] as string).toLowerCase(), match[2] as string]
}

async function readBody(connection: RawSocket, lengths: string[], codings: string[]): Promise<string | undefined> {
  if (lengths.length + codings.length > 1) throw new Error('a message that is framed twice')
  const [length] = lengths
  if (length !== undefined) {
    if (!/^\d+$/.test(length)) throw new Error(`Content-Length: ${length}`)
    return length === '0' ? '' : piece(connection, Number(length))
  }
  const [coding] = codings
  if (coding === undefined) return ''
  if (coding.toLowerCase() !== 'chunked') throw new Error(`Transfer-Encoding: ${coding}`)
  return readChunks(connection)
}

async function readChunks(connection: RawSocket): Promise<string | undefined> {
  for (let body = ''; ; ) {
    const line = await piece(connection, '\r\n')
    if (line === undefined) return undefined
    if (!/^[0-9a-fA-F]{1,8}\r\n$/.test(line)) throw new Error(`no chunk size: ${JSON.stringify(line)}`)
    const size = Number.parseInt(line, 16)
    const data = await piece(connection, size + 2)
    if (data === undefined) return undefined
    if (!data.endsWith('\r\n')) throw new Error('a chunk that does not end where it says')
    if (size === 0) return body
    body += data.slice(0, -2)
  }
}

/** Undefined when the connection closes first: a request that was broken off is none. */
async function piece(connection: RawSocket, until: string | number): Promise<string | undefined> {
  return connection.read(until, 600_000).catch(() => undefined)
}
