import {
  type Body,
  type Context,
  discard,
  exchangeOf,
  GatewayError,
  type Handler,
  HeaderList,
  type Middleware,
  type Reply,
  systemClock,
} from '@gatelet/core'
import { withTimeout } from '../grpc.ts'
import { codeForHttp, codeOf } from '../status.ts'
import { protocolOf } from '../wire/content-type.ts'
import { timeoutText } from '../wire/timeout.ts'
import type { Binding } from './binding.ts'
import { streamedBody, wholeBody } from './call-body.ts'
import { CallError } from './call-error.ts'
import { metadataOf } from './metadata.ts'
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
    const isUnary = methodKind === 'unary' || methodKind === 'client_streaming'
    const call = { ctx: ctx as unknown as Context, binding, settings, fault: () => failed }
    if (!failed && !protocolOf(reply.headers)) return foreign(reply, settings)
    if (!failed && !isUnary) return await streamedReply(reply, call)
    if (failed) discard(reply.body)
    else {
      const made = await unaryReply(reply, binding, settings)
      if (!failed) return made
    }
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
