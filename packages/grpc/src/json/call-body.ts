import { type Body, type Context, discard, GatewayError, lengthOf, requestBytes, transformed } from '@gatelet/core'
import { frame } from '../wire/frames.ts'
import { type Binding, HTTP_BODY } from './binding.ts'
import { CallError } from './call-error.ts'
import { ArraySplitter, type JsonSplitter, LineSplitter } from './json-splitter.ts'
import { requestMessage, streamedMessage } from './request-message.ts'
import type { JsonSettings } from './settings.ts'

/**
 * The one message of a call.
 * @throws CallError where the request is none; GatewayError `UNSUPPORTED_MEDIA_TYPE`
 */
export async function wholeBody<S extends object>(
  ctx: Context<S>,
  binding: Binding,
  segments: readonly string[],
  settings: JsonSettings,
): Promise<Uint8Array> {
  const { request } = ctx
  const { maxMessageBytes } = settings
  const contentType = request.headers.get('content-type') ?? ''
  let body: Uint8Array = new Uint8Array(0)
  if (binding.body === undefined) {
    discard(request.body)
  } else if (lengthOf(request.body) !== 0) {
    checkType(ctx, takesAnyType(binding) ? undefined : /^application\/(?:[^;\s]*\+)?json\s*(?:;|$)/i)
    body = await requestBytes(ctx, maxMessageBytes).catch(tooLong)
  }
  const message = requestMessage(binding, { segments, search: request.url.search, body, contentType }, settings)
  if (message.byteLength > maxMessageBytes) throw tooLarge(maxMessageBytes)
  return frame(message)
}

function takesAnyType({ body, method }: Binding): boolean {
  const type = body === '*' ? method.input : body?.message
  return type?.typeName === HTTP_BODY
}

function tooLong(error: unknown): never {
  if (error instanceof GatewayError && error.code === 'BODY_TOO_LARGE') throw new CallError('RESOURCE_EXHAUSTED', error.message)
  throw error
}

const tooLarge = (max: number) => new CallError('RESOURCE_EXHAUSTED', `a message may have ${max} bytes`)

// A page of another origin can send any text without being asked, but not JSON by its name.
function checkType<S extends object>({ request }: Context<S>, expected: RegExp | undefined): void {
  const { headers } = request
  const coding = headers.get('content-encoding')?.toLowerCase() ?? 'identity'
  if (coding !== 'identity')
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', {
      detail: 'A body must not be compressed here',
      headers: { 'accept-encoding': 'identity' },
    })
  if (expected && !expected.test(headers.get('content-type') ?? ''))
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', { detail: 'It must be application/json' })
}

/**
 * The messages of a call, sent on as they come.
 * @param broken told of what is not right with one, of which who reads the body knows only that it failed
 * @throws GatewayError `UNSUPPORTED_MEDIA_TYPE`
 */
export function streamedBody<S extends object>(
  ctx: Context<S>,
  binding: Binding,
  settings: JsonSettings,
  broken: (error: CallError) => void,
): Body {
  checkType(ctx, /^application\/(?:json|x-ndjson|ndjson|jsonl|x-jsonl)\s*(?:;|$)/i)
  const isArray = /^application\/json/i.test(ctx.request.headers.get('content-type') ?? '')
  const { maxMessageBytes } = settings
  const splitter: JsonSplitter = isArray ? new ArraySplitter(maxMessageBytes) : new LineSplitter(maxMessageBytes)
  const frames = (work: (each: (json: string) => void) => void): Uint8Array | null => {
    const made: Uint8Array[] = []
    try {
      work((json) => made.push(frame(streamedMessage(binding, json, settings))))
    } catch (error) {
      if (error instanceof CallError) broken(error)
      throw error
    }
    return made.length === 0 ? null : Buffer.concat(made)
  }
  return transformed(ctx.request.body, {
    chunk: (chunk) => frames((each) => splitter.push(chunk, each)),
    end: () => frames((each) => splitter.end(each)),
  })
}
