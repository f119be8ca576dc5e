import { type Checks, checkOptions, GatewayError, options } from '@gatelet/core'
import { messagesOf } from './event-stream.ts'
import { functionFailed, serviceFailed, unreachable } from './failure.ts'
import type { LambdaInvocation, LambdaInvoker } from './invoker.ts'

/** Where a function is, and how requests to it are signed. */
export interface LambdaHttpOptions {
  /**
   * Where Lambda is: `https://lambda.eu-central-1.amazonaws.com`, or an emulator that takes unsigned requests, such as the Runtime
   * Interface Emulator (`http://127.0.0.1:9000`, with the name `function`), serverless-offline or LocalStack.
   */
  url: string
  /** The function's name or ARN. */
  name: string
  /** A version or an alias. */
  qualifier?: string
  /**
   * Signs a request (SigV4): `(url, init) => new AwsClient({ … }).sign(url, init)` with aws4fetch. Without it nothing is signed, and
   * an answer in the shape of an error is taken for one: emulators do not say it in another way.
   */
  sign?: (url: string, init: RequestInit) => Promise<Request>
  /** In place of Node's own `fetch`: for a proxy, a pool, or `balancedFetch`. */
  fetch?: (input: string | Request, init?: RequestInit) => Promise<Response>
}

const checks: Checks<Omit<LambdaHttpOptions, 'url'> & { url: URL }> = {
  url: options.httpUrl,
  name: options.string,
  qualifier: options.optional(options.string),
  sign: options.optional(options.fn<NonNullable<LambdaHttpOptions['sign']>>('a function that returns a signed Request')),
  fetch: options.optional(options.fn<NonNullable<LambdaHttpOptions['fetch']>>('a function such as fetch')),
}

/**
 * Calls a function by the HTTP interface of Lambda (`Invoke` and `InvokeWithResponseStream`), without an SDK.
 * @throws GatewayError `BAD_OPTION`
 */
export function lambdaHttp(given: LambdaHttpOptions): LambdaInvoker {
  const { url, name, qualifier, sign, fetch = globalThis.fetch } = checkOptions('lambdaHttp', given as never, checks)
  const base = url.href.replace(/\/$/, '')
  const query = qualifier === undefined ? '' : `?Qualifier=${encodeURIComponent(qualifier)}`
  const targetOf = (version: string, operation: string) =>
    `${base}/${version}/functions/${encodeURIComponent(name)}/${operation}${query}`
  const invokeUrl = targetOf('2015-03-31', 'invocations')
  const streamUrl = targetOf('2021-11-15', 'response-streaming-invocations')

  async function ask(target: string, { payload, signal }: LambdaInvocation): Promise<Response> {
    const init: RequestInit = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' },
      body: payload as Uint8Array<ArrayBuffer>,
      redirect: 'error',
    }
    try {
      const response = sign ? await fetch(await sign(target, init), { signal }) : await fetch(target, { ...init, signal })
      if (response.status === 200) return response
      throw serviceFailed(response.status, Buffer.from(await bytesOf(response, 2_048)).toString('utf8'))
    } catch (error) {
      throw error instanceof GatewayError ? error : unreachable(error)
    }
  }

  return {
    async invoke(call) {
      const response = await ask(invokeUrl, call)
      const payload = await bytesOf(response, call.maxBytes)
      const kind = response.headers.get('x-amz-function-error')
      if (kind !== null) throw functionFailed(kind, payload)
      if (!sign && looksFailed(payload)) throw functionFailed('Unhandled', payload)
      return payload
    },
    async stream(call) {
      const { body, headers } = await ask(streamUrl, call)
      const chunks = (body ?? []) as AsyncIterable<Uint8Array>
      return headers.get('content-type')?.startsWith('application/vnd.amazon.eventstream') ? payloadIn(chunks) : chunks
    },
  }
}

/** The payload of an event stream. @throws GatewayError `FUNCTION_FAILED`, `UPSTREAM_BAD_RESPONSE` */
async function* payloadIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { headers, payload } of messagesOf(chunks)) {
    const kind = headers[':event-type'] ?? ''
    if (headers[':message-type'] !== 'event') throw functionFailed(headers[':exception-type'] ?? 'exception', payload)
    if (kind === 'PayloadChunk') yield payload
    if (kind !== 'InvokeComplete') continue
    const { ErrorCode, ErrorDetails } = completion(payload)
    if (ErrorCode) throw functionFailed(ErrorCode, ErrorDetails ?? '')
    return
  }
  throw new GatewayError('UPSTREAM_RESET', { message: 'the event stream of the function ended before its InvokeComplete' })
}

function completion(payload: Uint8Array): { ErrorCode?: string; ErrorDetails?: string } {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8') || '{}')
  } catch (cause) {
    throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'the InvokeComplete of the function is no JSON', cause })
  }
}

function looksFailed(payload: Uint8Array): boolean {
  if (payload.byteLength > 262_144) return false
  try {
    const { errorMessage, errorType, statusCode } = JSON.parse(Buffer.from(payload).toString('utf8')) ?? {}
    return typeof errorMessage === 'string' && typeof errorType === 'string' && statusCode === undefined
  } catch {
    return false
  }
}

async function bytesOf({ body }: Response, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    // Leaving the loop cancels the body.
    if (size > limit)
      throw new GatewayError('RESPONSE_TOO_LARGE', { message: `the function answered with more than ${limit} bytes` })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
