import { type Context, discard, isPromise, type Middleware, type ReadonlyHeaders, type Reply } from '@gatelet/core'
import { acceptedOf } from '../wire/accepted.ts'
import { protocolOf } from '../wire/content-type.ts'
import { decodedBody, webBody } from './web-body.ts'

/**
 * Lets browsers speak with servers of gRPC: takes gRPC-Web, in its binary form and as text, by any version of HTTP, asks `next` in
 * gRPC, and gives the answer back in the form that the client accepts. Nothing of the messages is looked at, so compressed ones and
 * any codec pass. Other requests pass as they are.
 *
 * Pages of other origins need CORS before it: `cors({ allowOrigins: ['https://app.example.com'], ...grpcWebCors })`. What is no answer
 * of gRPC is left to `grpc()`, which stands in front.
 */
export function grpcWeb(): Middleware {
  return function grpcWeb(ctx, next) {
    const { headers, body } = ctx.request
    const protocol = protocolOf(headers)
    if (protocol !== 'web' && protocol !== 'web-text') return next(ctx)
    const isText = acceptsText(headers) ?? protocol === 'web-text'
    const asking = headers.clone().set('content-type', grpcType(headers)).set('te', 'trailers')
    asking.delete('accept')
    if (protocol === 'web-text') asking.delete('content-length')
    const change = protocol === 'web-text' ? { headers: asking, body: decodedBody(body) } : { headers: asking }
    const reply = next(ctx.withRequest(change))
    return isPromise(reply) ? reply.then((late) => translated(late, isText, ctx)) : translated(reply, isText, ctx)
  }
}

/** What pages need of `cors()` to speak gRPC-Web: methods, headers and what they may read. Add to the lists for your own metadata. */
export const grpcWebCors: {
  readonly allowMethods: readonly string[]
  readonly allowHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
} = {
  allowMethods: ['POST'],
  allowHeaders: ['content-type', 'x-grpc-web', 'x-user-agent', 'grpc-timeout', 'authorization'],
  exposeHeaders: ['grpc-status', 'grpc-message', 'grpc-status-details-bin', 'grpc-encoding'],
}

/** Whether the client wants its answer as text, which may be another form than it asks in; undefined where it does not say. */
function acceptsText(headers: ReadonlyHeaders): boolean | undefined {
  const [codec = ''] = /\+[^;\s]+/.exec(headers.get('content-type') ?? '') ?? []
  const types = ['application/grpc-web-text', 'application/grpc-web'].flatMap((type) => [`${type}${codec}`, type])
  return acceptedOf(headers, types)?.includes('web-text')
}

/** The content type without what makes it one of gRPC-Web: the codec stays. */
const grpcType = (headers: ReadonlyHeaders) => (headers.get('content-type') ?? '').replace(/grpc-web(-text)?/i, 'grpc')

function translated(reply: Reply, isText: boolean, ctx: Context): Reply {
  const { headers, body } = reply
  if (protocolOf(headers) !== 'grpc') return reply
  headers.set('content-type', (headers.get('content-type') as string).replace(/grpc/i, isText ? 'grpc-web-text' : 'grpc-web'))
  headers.delete('content-length')
  headers.delete('trailer')
  if (headers.has('grpc-status')) {
    discard(body)
    reply.body = null
  } else {
    reply.body = webBody(body, isText, ctx)
  }
  return reply
}
