import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'

/** What came back on one stream. */
export interface Answer {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly trailers: IncomingHttpHeaders
  readonly interim: readonly IncomingHttpHeaders[]
  readonly code: number
}

/** A session of Node's own client, destroyed when the test is over. */
export function session(server: { url: string }): ClientHttp2Session & AsyncDisposable {
  const client = connect(server.url)
  client.on('error', () => {})
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      client.destroy()
    },
  })
}

/** Asks on a stream of its own, and waits until that is closed. */
export async function ask(client: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  const stream = client.request({ ':authority': 'a.test', ...headers }, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  return answerOf(stream)
}

export async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  const interim: IncomingHttpHeaders[] = []
  const chunks: Buffer[] = []
  stream.on('response', (fields) => {
    headers = fields
  })
  stream.on('headers', (fields) => interim.push(fields))
  stream.on('trailers', (fields) => {
    trailers = fields
  })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => {})
  await new Promise((resolve) => stream.on('close', resolve))
  return { headers, body: Buffer.concat(chunks).toString(), trailers, interim, code: stream.rstCode ?? 0 }
}
