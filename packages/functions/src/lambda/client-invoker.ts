import { type Checks, checkOptions, GatewayError, options } from '@gatelet/core'
import { functionFailed, serviceFailed, unreachable } from './failure.ts'
import type { LambdaInvocation, LambdaInvoker } from './invoker.ts'

/** The part of the AWS SDK's `Lambda` class (version 3) that is used. */
export interface LambdaClientLike {
  invoke(input: LambdaClientInput, options: { abortSignal: AbortSignal }): Promise<LambdaClientOutput>
  invokeWithResponseStream?(input: LambdaClientInput, options: { abortSignal: AbortSignal }): Promise<LambdaClientStream>
}

export interface LambdaClientInput {
  FunctionName: string
  InvocationType: 'RequestResponse'
  Payload: Uint8Array
  Qualifier?: string
}

export interface LambdaClientOutput {
  FunctionError?: string | undefined
  Payload?: Uint8Array | undefined
}

export interface LambdaClientStream {
  EventStream?: AsyncIterable<LambdaClientEvent> | undefined
}

export interface LambdaClientEvent {
  PayloadChunk?: { Payload?: Uint8Array | undefined } | undefined
  InvokeComplete?: { ErrorCode?: string | undefined; ErrorDetails?: string | undefined } | undefined
}

/** Which function a client calls. */
export interface LambdaClientOptions {
  /** The function's name or ARN. */
  name: string
  /** A version or an alias. */
  qualifier?: string
}

const checks: Checks<LambdaClientOptions> = { name: options.string, qualifier: options.optional(options.string) }

/**
 * Calls a function by a client of the AWS SDK, which finds credentials, signs and retries by itself.
 * @param client `new Lambda({ region: 'eu-central-1' })` of `@aws-sdk/client-lambda`
 * @throws GatewayError `BAD_OPTION`
 */
export function lambdaClient(client: LambdaClientLike, given: LambdaClientOptions): LambdaInvoker {
  const { name, qualifier } = checkOptions('lambdaClient', given, checks)
  if (typeof client?.invoke !== 'function')
    throw options.wrong(client, 'client', 'a client with invoke, such as new Lambda({ region })')
  const inputOf = (call: LambdaInvocation): LambdaClientInput => ({
    FunctionName: name,
    InvocationType: 'RequestResponse',
    Payload: call.payload,
    ...(qualifier === undefined ? {} : { Qualifier: qualifier }),
  })
  const invoker: LambdaInvoker = {
    async invoke(call) {
      const { FunctionError: kind, Payload: payload = new Uint8Array(0) } = await told(
        client.invoke(inputOf(call), { abortSignal: call.signal }),
      )
      if (kind) throw functionFailed(kind, payload)
      if (payload.byteLength > call.maxBytes)
        throw new GatewayError('RESPONSE_TOO_LARGE', { message: `the function answered with ${payload.byteLength} bytes` })
      return payload
    },
  }
  if (typeof client.invokeWithResponseStream !== 'function') return invoker
  return {
    ...invoker,
    async stream(call) {
      const asked = client.invokeWithResponseStream?.(inputOf(call), { abortSignal: call.signal })
      const { EventStream: events } = await told<LambdaClientStream>(asked ?? Promise.resolve({}))
      return payloadIn(events ?? nothing())
    },
  }
}

async function* nothing(): AsyncGenerator<LambdaClientEvent, void, undefined> {}

async function* payloadIn(events: AsyncIterable<LambdaClientEvent>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { PayloadChunk: chunk, InvokeComplete: complete } of events) {
    if (chunk?.Payload) yield chunk.Payload
    if (complete?.ErrorCode) throw functionFailed(complete.ErrorCode, complete.ErrorDetails ?? '')
    if (complete) return
  }
  throw new GatewayError('UPSTREAM_RESET', { message: 'the event stream of the function ended before its InvokeComplete' })
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const { $metadata, name, message } = error as { $metadata?: { httpStatusCode?: number }; name?: string; message?: string }
    const status = name === 'TooManyRequestsException' ? 429 : $metadata?.httpStatusCode
    throw status === undefined ? unreachable(error) : serviceFailed(status, message ?? '', error)
  }
}
