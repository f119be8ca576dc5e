import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { crc32 } from 'node:zlib'
import { startedServer } from '../contract/adapter/started-server.ts'

/** A function that the emulator runs. What it throws is told as Lambda tells it; chunks are streamed where streaming was asked for. */
export type EmulatedFunction = (event: never, call: EmulatedCall) => unknown

/** One call, as it came over the wire. */
export interface EmulatedCall {
  readonly name: string
  readonly qualifier: string | undefined
  readonly headers: IncomingMessage['headers']
  /** Aborts when the caller has left. */
  readonly signal: AbortSignal
}

/** A running emulator. */
export interface LambdaEmulator extends AsyncDisposable {
  readonly url: string
  /** All that were called, in their order. */
  readonly calls: readonly EmulatedCall[]
  close(): Promise<void>
}

/**
 * Starts a small emulator of Lambda's invoke interface on a free port of 127.0.0.1: `Invoke` and `InvokeWithResponseStream`, with
 * the errors of the service for an unknown function (404) and a payload above 6 MB (413).
 * @example await using aws = await lambdaEmulator({ hello: (event) => ({ statusCode: 200, body: 'hello' }) })
 */
export async function lambdaEmulator(functions: Readonly<Record<string, EmulatedFunction>>): Promise<LambdaEmulator> {
  const calls: EmulatedCall[] = []
  const { port, close } = await startedServer(
    createServer((req, res) => {
      // A caller that leaves is what many tests are about.
      answer(functions, calls, req, res).catch((error: unknown) => res.destroy(error as Error))
      res.on('error', () => {})
    }),
  )
  return { url: `http://127.0.0.1:${port}`, calls, close, [Symbol.asyncDispose]: close }
}

const target =
  /^\/(?:2015-03-31\/functions\/([^/]+)\/invocations|2021-11-15\/functions\/([^/]+)\/response-streaming-invocations)$/

const MAX_PAYLOAD_BYTES = 6_291_456

async function answer(
  functions: Readonly<Record<string, EmulatedFunction>>,
  calls: EmulatedCall[],
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const url = new URL(req.url ?? '/', 'http://lambda.invalid')
  const [, whole, streamed] = target.exec(url.pathname) ?? []
  const name = decodeURIComponent(whole ?? streamed ?? '')
  const payload = await payloadOf(req)
  const fn = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (!fn) return refuse(res, 404, 'ResourceNotFoundException', `Function not found: ${name}`)
  if (payload.byteLength > MAX_PAYLOAD_BYTES) return refuse(res, 413, 'RequestTooLargeException', 'too large')
  const left = new AbortController()
  res.on('close', () => res.writableFinished || left.abort())
  const call = { name, qualifier: url.searchParams.get('Qualifier') ?? undefined, headers: req.headers, signal: left.signal }
  calls.push(call)
  const event = JSON.parse(payload.toString('utf8')) as never
  return streamed === undefined ? invoke(fn, event, call, res) : stream(fn, event, call, res)
}

async function invoke(fn: EmulatedFunction, event: never, call: EmulatedCall, res: ServerResponse): Promise<void> {
  try {
    const result = JSON.stringify(await fn(event, call)) ?? 'null'
    res.writeHead(200, { 'content-type': 'application/json', 'x-amz-executed-version': '$LATEST' }).end(result)
  } catch (error) {
    res.writeHead(200, { 'content-type': 'application/json', 'x-amz-function-error': 'Unhandled' }).end(told(error))
  }
}

async function stream(fn: EmulatedFunction, event: never, call: EmulatedCall, res: ServerResponse): Promise<void> {
  res.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
  let completion = {}
  try {
    const chunks = (await fn(event, call)) as AsyncIterable<Uint8Array> | Iterable<Uint8Array>
    for await (const chunk of chunks) {
      if (res.write(eventFrame('PayloadChunk', chunk))) continue
      await once(res, 'drain', { signal: call.signal }).catch(() => {})
      if (call.signal.aborted) return
    }
  } catch (error) {
    completion = { ErrorCode: 'Unhandled', ErrorDetails: told(error) }
  }
  res.end(eventFrame('InvokeComplete', Buffer.from(JSON.stringify(completion))))
}

/** One message of `application/vnd.amazon.eventstream`. */
export function eventFrame(type: string, payload: Uint8Array, messageType = 'event'): Buffer {
  const headers = Buffer.concat([
    textHeader(messageType === 'event' ? ':event-type' : ':exception-type', type),
    textHeader(':message-type', messageType),
  ])
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(16 + headers.byteLength + payload.byteLength, 0)
  prelude.writeUInt32BE(headers.byteLength, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  const message = Buffer.concat([prelude, headers, payload])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(message))
  return Buffer.concat([message, checksum])
}

function textHeader(name: string, value: string): Buffer {
  const head = Buffer.from([name.length, ...Buffer.from(name), 7, 0, 0])
  head.writeUInt16BE(Buffer.byteLength(value), head.byteLength - 2)
  return Buffer.concat([head, Buffer.from(value)])
}

function refuse(res: ServerResponse, status: number, type: string, message: string): void {
  res
    .writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type })
    .end(JSON.stringify({ Message: message }))
}

function told(error: unknown): string {
  const { name, message, stack } = error as Error
  return JSON.stringify({ errorType: name, errorMessage: message, trace: stack?.split('\n') })
}

async function payloadOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
