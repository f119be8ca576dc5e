import {
  type Body,
  bytesOf,
  type Context,
  discard,
  exchangeOf,
  GatewayError,
  type Handler,
  HeaderList,
  lengthOf,
  type Middleware,
  type Reply,
  systemClock,
  transformed,
} from '@gatelet/core'
import { withTimeout } from '../grpc.ts'
import { codeForHttp, codeOf } from '../status.ts'
import { protocolOf } from '../wire/content-type.ts'
import { frame } from '../wire/frames.ts'
import { timeoutText } from '../wire/timeout.ts'
import { type Binding, HTTP_BODY } from './binding.ts'
import { CallError } from './call-error.ts'
import { ArraySplitter, type JsonSplitter, LineSplitter } from './json-splitter.ts'
import { metadataOf } from './metadata.ts'
import { requestMessage, streamedMessage } from './request-message.ts'
import { type GrpcJsonOptions, type JsonSettings, jsonSettings } from './settings.ts'
import { statusReply } from './status-body.ts'
import { streamedReply } from './streamed-reply.ts'
import type { Found } from './template-tree.ts'
import { unaryReply } from './unary-reply.ts'

/**
 * Offers services of gRPC as HTTP and JSON, by the `google.api.http` option of their methods: asks `next` in gRPC, and writes what
 * comes back as JSON; streams as lines of JSON, server-sent events or an array, as `Accept` says. A call that fails is a
 * `google.rpc.Status` with the status of HTTP that belongs to its code. Requests of gRPC and gRPC-Web pass as they are; others that
 * no method answers are 404, or 405.
 * @throws GatewayError `BAD_OPTION` at once, which names the method where an annotation is not right
 * @example chain().use(grpc()).use(grpcJson({ descriptors: 'api.binpb' })).to(proxy(balancer, { http2: true }))
 */
export function grpcJson(options: GrpcJsonOptions): Middleware {
  const settings = jsonSettings(options)
  return function grpcJson(ctx, next) {
    const { headers, method, url } = ctx.request
    if (protocolOf(headers)) return next(ctx)
    const found = settings.tree.find(method, url.path) ?? (method === 'HEAD' ? settings.tree.find('GET', url.path) : undefined)
    if (!found) throw notThere(settings, url.path)
    return answered(withTimeout(ctx), next, found, settings)
  }
}

function notThere({ tree }: JsonSettings, path: string): GatewayError {
  const methods = tree.methodsOf(path)
  if (methods.length === 0) return new GatewayError('NOT_FOUND')
  return new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: methods.join(', ') } })
}

async function answered<S extends object>(
  ctx: Context<S>,
  next: Handler<S>,
  { value: binding, segments }: Found<Binding>,
  settings: JsonSettings,
): Promise<Reply> {
  const { methodKind } = binding.method
  const isStreamed = methodKind === 'client_streaming' || methodKind === 'bidi_streaming'
  let failed: CallError | undefined
  const broken = (error: CallError) => {
    failed ??= error
  }
  try {
    const body = isStreamed ? streamedBody(ctx, binding, settings, broken) : await wholeBody(ctx, binding, segments, settings)
    const reply = await next(asking(ctx, binding, body))
    if (failed) discard(reply.body)
    else if (!protocolOf(reply.headers)) return foreign(reply, settings)
    else if (methodKind === 'unary' || methodKind === 'client_streaming') return await unaryReply(reply, binding, settings)
    else return await streamedReply(reply, binding, settings, ctx as unknown as Context)
  } catch (error) {
    // What the client sent was not right, of which the proxy knows only that a body failed.
    if (!(error instanceof CallError) && !failed) throw error
    if (error instanceof CallError) failed ??= error
  }
  return statusReply((failed as CallError).status, settings.registry, settings.writing)
}

/** The call that a request stands for. */
function asking<S extends object>(ctx: Context<S>, { method }: Binding, body: Body): Context<S> {
  const clock = exchangeOf(ctx)?.clock ?? systemClock
  const timeout = ctx.deadline === undefined ? undefined : timeoutText(ctx.deadline - clock.now())
  const headers = metadataOf(ctx.request.headers, timeout)
  const url = { path: `/${method.parent.typeName}/${method.name}`, search: '' }
  return ctx.withRequest({ method: 'POST', url, headers, body })
}

async function wholeBody<S extends object>(
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
    body = await bytesOf(request.body, maxMessageBytes).catch(tooLong)
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

/** Messages that are sent on as they come. */
function streamedBody<S extends object>(
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

/** What is no answer of gRPC: a problem of a layer's is the client's as it is, anything else is told by its status. */
function foreign(reply: Reply, { registry, writing }: JsonSettings): Reply {
  if (reply.headers.get('content-type') === 'application/problem+json') return reply
  discard(reply.body)
  const { status } = reply
  const told = { code: status < 400 ? codeOf('INTERNAL') : codeForHttp(status), message: `HTTP status ${status} and no gRPC` }
  const made = statusReply(told, registry, writing, new HeaderList())
  if (status >= 400) made.status = status
  return made
}
