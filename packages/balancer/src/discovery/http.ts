import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Clock } from '@gatelet/core'

/** One request of a source to its registry. */
export interface Question {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Certificates to trust, in PEM; undefined: those of Node. */
  readonly ca?: string | undefined
  /** How long the whole exchange may take. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly clock: Clock
}

/** An answer that was refused with a status. */
export class StatusError extends Error {
  readonly status: number

  constructor(status: number, url: URL) {
    super(`${url.host} answered ${url.pathname} with ${status}`)
    this.name = 'StatusError'
    this.status = status
  }
}

/** An answer with its parsed body. */
export interface JsonAnswer {
  readonly header: (name: string) => string | undefined
  readonly body: unknown
}

/**
 * Asks, and reads the whole answer, of 64 MiB at most.
 * @throws StatusError for any status but 200, Error for what is no JSON, too large, too late or broken off
 */
export async function getJson(question: Question): Promise<JsonAnswer> {
  return exchange(question, async (response) => {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > MAX_BYTES) throw new Error(`${question.url.host} answered with more than ${MAX_BYTES} bytes`)
      chunks.push(chunk)
    }
    const header = (name: string) => {
      const value = response.headers[name]
      return typeof value === 'string' ? value : undefined
    }
    return { header, body: json(Buffer.concat(chunks).toString('utf8'), question.url) }
  })
}

/**
 * Asks for a stream of JSON values, one a line of 8 MiB at most, and tells that it began, and each value, until it ends.
 * @throws as `getJson`, also when the stream is broken off, and what the two functions throw
 */
export async function getJsonLines(question: Question, began: () => void, tell: (value: unknown) => void): Promise<void> {
  await exchange(question, async (response) => {
    response.setEncoding('utf8')
    began()
    let line = ''
    for await (const chunk of response as AsyncIterable<string>) {
      // Only what is new is looked through: a long line comes in hundreds of pieces.
      const [more = '', ...others] = chunk.split('\n')
      line += more
      for (const other of others) {
        if (line.trim() !== '') tell(json(line, question.url))
        line = other
      }
      if (line.length > MAX_LINE) throw new Error(`${question.url.host} sent a line of more than ${MAX_LINE} bytes`)
    }
  })
}

const MAX_BYTES = 64 * 1024 * 1024
// One object of an API, whose store takes 1.5 MiB.
const MAX_LINE = 8 * 1024 * 1024

async function exchange<T>(question: Question, read: (response: IncomingMessage) => Promise<T>): Promise<T> {
  const { url, headers, ca, timeoutMs, signal, clock } = question
  signal.throwIfAborted()
  const asking = url.protocol === 'https:' ? requestHttps : requestHttp
  // A connection for each: they are few and long, and a kept one may have died without a word.
  const request = asking(url, { headers, agent: false, ...(ca === undefined ? {} : { ca }) })
  // Errors after the response's head come here as well, and an unheard one would end the process.
  request.on('error', () => {})
  request.on('socket', (socket) => {
    socket.setKeepAlive(true, 30_000)
    // Looking for endpoints is no reason for the process to stay.
    socket.unref()
  })
  const stop = () => request.destroy(new Error('it was ended'))
  const cancel = clock.setTimer(() => request.destroy(new Error(`${url.host} took longer than ${timeoutMs} ms`)), timeoutMs)
  signal.addEventListener('abort', stop, { once: true })
  try {
    const response = await responseTo(request)
    if (response.statusCode !== 200) throw new StatusError(response.statusCode ?? 0, url)
    return await read(response)
  } finally {
    cancel()
    signal.removeEventListener('abort', stop)
    request.destroy()
  }
}

function responseTo(request: ReturnType<typeof requestHttp>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('close', () => reject(new Error('the connection was closed before an answer came')))
    request.once('response', (response) => {
      response.on('error', () => {})
      resolve(response)
    })
    request.end()
  })
}

function json(text: string, url: URL): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${url.host} answered ${url.pathname} with what is not JSON`)
  }
}
