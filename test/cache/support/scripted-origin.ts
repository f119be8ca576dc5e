import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { VirtualClock } from '@gatelet/testing'

/** Header fields; several values are several lines. */
export type Fields = Readonly<Record<string, string | readonly string[]>>

/** What the origin answers. */
export interface OriginAnswer {
  readonly status?: number
  readonly headers?: Fields
  /** Default: a text that no other answer has; nothing with 204 and 304. */
  readonly body?: string | Uint8Array
  /** The body goes out without a length. */
  readonly isChunked?: boolean
  /** The connection breaks after so many bytes of the body; 0: before the head. */
  readonly breaksAfter?: number
  /** A 103 before it. */
  readonly hints?: Fields
  readonly trailers?: Readonly<Record<string, string>>
  /** Without a `Date` of its own. */
  readonly hasNoDate?: boolean
  /** Seconds until it comes. */
  readonly takes?: number
  /** It comes after this. */
  readonly first?: () => Promise<unknown>
  /** The body comes in pieces, each after what this gives for the bytes sent so far. */
  readonly pieces?: { readonly bytes: number; readonly before: (sent: number) => Promise<unknown> }
}

/** A request that the origin saw. */
export interface Seen {
  readonly method: string
  readonly target: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** An origin that answers what it is told, and remembers what it was asked. */
export interface ScriptedOrigin extends AsyncDisposable {
  readonly url: string
  readonly seen: Seen[]
  /** What the next request gets, and those after it. */
  answerWith(answer: (request: Seen, count: number) => OriginAnswer): void
  /** The body of the answer to the request with that number, from 1 on. */
  bodyOf(count: number): Buffer
}

/** An origin that lives by a clock. */
export async function scriptedOrigin(clock: Pick<VirtualClock, 'date' | 'advance'>): Promise<ScriptedOrigin> {
  const seen: Seen[] = []
  const bodies: Buffer[] = []
  let script: (request: Seen, count: number) => OriginAnswer = () => ({})
  const server = createServer((req, res) => void reply(req, res))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  const reply = async (req: IncomingMessage, res: ServerResponse) => {
    const request = { method: req.method ?? '', target: req.url ?? '', headers: req.headers, body: await bodyText(req) }
    const count = seen.push(request)
    const answer = script(request, count)
    const body = bodyFor(answer, count)
    bodies[count - 1] = body
    const asOf = clock.date()
    if (answer.takes) await clock.advance(answer.takes * 1_000)
    await answer.first?.()
    await send(req, res, answer, body, asOf)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answerWith(answer) {
      script = answer
    },
    bodyOf: (count) => bodies[count - 1] ?? Buffer.alloc(0),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const hasNoBody = (status: number) => status === 204 || status === 205 || status === 304

function bodyFor({ status = 200, body }: OriginAnswer, count: number): Buffer {
  if (hasNoBody(status)) return Buffer.alloc(0)
  return Buffer.from(body === undefined ? `answer ${count}` : body)
}

async function send(req: IncomingMessage, res: ServerResponse, answer: OriginAnswer, body: Buffer, now: number): Promise<void> {
  const { status = 200, headers = {}, breaksAfter, hints, trailers } = answer
  if (breaksAfter === 0) return void req.socket.destroy()
  if (hints) res.writeEarlyHints(hints as Record<string, string | string[]>)
  res.sendDate = false
  if (!answer.hasNoDate && !('date' in headers)) res.setHeader('Date', new Date(now).toUTCString())
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value as string | string[])
  const hasLength = !answer.isChunked && !trailers && !hasNoBody(status) && !res.hasHeader('content-length')
  if (trailers) res.setHeader('Trailer', Object.keys(trailers).join(', '))
  if (hasLength) res.setHeader('Content-Length', body.length)
  res.writeHead(status)
  if (req.method === 'HEAD') return void res.end()
  const { pieces = { bytes: body.length, before: async () => {} } } = answer
  const end = breaksAfter ?? body.length
  for (let sent = 0; sent < end && !res.destroyed; sent += pieces.bytes) {
    if (sent > 0) await pieces.before(sent)
    await written(res, body.subarray(sent, Math.min(end, sent + pieces.bytes)))
  }
  if (breaksAfter !== undefined) return void req.socket.destroy()
  if (trailers) res.addTrailers(trailers)
  res.end()
}

// Also when it is not taken: who asked may have left.
const written = (res: ServerResponse, bytes: Buffer) => new Promise<void>((resolve) => res.write(bytes, () => resolve()))

async function bodyText(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}
