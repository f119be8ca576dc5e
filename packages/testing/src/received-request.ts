import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Fault } from './fault.ts'

/** What an origin received. Grows while the request comes in. */
export interface ReceivedRequest {
  readonly method: string
  /** The request target byte for byte. */
  readonly url: string
  readonly httpVersion: string
  readonly headers: IncomingHttpHeaders
  /** `[name, value, name, value, …]`, spelled as they came. */
  readonly rawHeaders: readonly string[]
  /** The body as far as it is here, at most `keepBodyBytes` of it. */
  readonly body: Buffer
  /** How much of the body has come, kept or not. */
  readonly bodyBytes: number
  /** Whether the whole request has come. */
  readonly complete: boolean
  /** Whether the connection went before the reply was all sent. */
  readonly aborted: boolean
  /** On which connection of this origin it came, counted from 1: two with the same number shared one. */
  readonly connection: number
  /** What it met. */
  readonly fault: Fault['kind'] | undefined
}

/** Records one request, without reading it: bytes are seen as they are pushed, so that back-pressure stays as it is. */
export class RequestRecord implements ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly httpVersion: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly connection: number
  readonly fault: Fault['kind'] | undefined
  bodyBytes = 0
  complete: boolean
  aborted = false
  /** Takes what comes though nobody reads yet, up to the bytes that are kept. */
  isReadAhead = false
  #chunks: Buffer[] = []

  constructor(req: IncomingMessage, connection: number, fault: Fault['kind'] | undefined) {
    this.method = req.method ?? ''
    this.url = req.url ?? ''
    this.httpVersion = req.httpVersion
    this.headers = req.headers
    this.rawHeaders = req.rawHeaders
    this.connection = connection
    this.fault = fault
    this.complete = req.complete
  }

  get body(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  /** Sees what the parser pushes into `req`. */
  tap(req: IncomingMessage, keepBytes: number, changed: () => void): void {
    const push = req.push.bind(req)
    req.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      if (chunk === null) this.complete = true
      else this.add(chunk, keepBytes)
      const wantsMore = push(chunk, encoding)
      changed()
      return wantsMore || (this.isReadAhead && this.bodyBytes < keepBytes)
    }
  }

  private add(chunk: Buffer, keepBytes: number): void {
    const room = keepBytes - this.bodyBytes
    if (room > 0) this.#chunks.push(chunk.subarray(0, room))
    this.bodyBytes += chunk.byteLength
  }
}
