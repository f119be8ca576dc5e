import { Readable } from 'node:stream'
import {
  type Context,
  checkOptions,
  discard,
  GatewayError,
  isPromise,
  type MaybePromise,
  type Middleware,
  problem,
  type Reply,
  sourceOf,
  transformed,
} from '@gatelet/core'
import { type Negotiated, negotiated } from './accept-encoding.ts'
import { available, type Codec, type Coding, codecs } from './compress-codings.ts'
import { type CompressOptions, compressChecks } from './compress-options.ts'
import { COMPRESSIBLE, contentLength, describePacked, mayTransform, mediaTypeOf, weakenEtag } from './compress-rules.ts'
import { addVary } from './vary.ts'

/**
 * Packs the content of replies as the client takes it: zstd, Brotli, gzip or deflate, by `Accept-Encoding`. It leaves alone what
 * is packed already, parts of content, and what says `no-transform`; a strong `ETag` becomes a weak one, and digests of the
 * content go. Streams are sent as they come, and go at the pace of their reader.
 *
 * No `If-Match` holds with a weak `ETag` (RFC 9110 §13.1.1): leave out, by `leaveOut`, what clients change on that condition.
 *
 * What is packed can be guessed from its length (BREACH, 2013): where a page holds a secret, a token against forged requests
 * for example, and beside it what the request says, who sees the traffic and makes the browser ask again and again learns the
 * secret letter by letter. Mask such tokens anew in each reply, or leave such replies out by `leaveOut`.
 *
 * In front of a cache, replies are stored as they are and packed each time; behind one, once for each coding.
 * @throws GatewayError `BAD_OPTION`
 * @example chain().use(compress({ codings: ['br', 'gzip'], leaveOut: 'credentials' })).to(router)
 */
export function compress<N extends object = {}>(given: CompressOptions<N> = {}): Middleware<N> {
  const compression = new Compression(checkOptions<CompressOptions>('compress', given as CompressOptions, compressChecks))
  return function compress(ctx, next) {
    const accepted = compression.accepted(ctx as Context)
    if (accepted === 'none') return notAcceptable()
    const answer: MaybePromise<Reply> = next(ctx)
    const packed = (reply: Reply) => compression.pack(reply, ctx as Context, accepted)
    return isPromise(answer) ? answer.then(packed) : packed(answer)
  }
}

class Compression {
  private readonly codings: readonly Coding[]
  private readonly codecs: Record<Coding, Codec>
  private readonly minBytes: number
  private readonly isCompressible: (type: string) => boolean
  private readonly flushStreams: boolean
  private readonly isLeftOut: (ctx: Context, reply: Reply) => boolean
  private readonly refuses: boolean
  private readonly maxInflight: number
  private inflight = 0

  constructor(given: CompressOptions) {
    const { codings = ['zstd', 'br', 'gzip', 'deflate'], level = {}, types = COMPRESSIBLE, leaveOut = () => false } = given
    this.codings = available(codings)
    this.codecs = codecs(level)
    this.minBytes = given.minBytes ?? 1_024
    this.isCompressible = typeof types === 'function' ? types : matcher(types)
    this.flushStreams = given.flushStreams ?? true
    this.isLeftOut = leaveOut === 'credentials' ? hasCredentials : leaveOut
    this.refuses = given.refuseUnacceptable ?? false
    this.maxInflight = given.maxInflight ?? 1_000
  }

  /** What the client takes; `none` where there is nothing that it would. */
  accepted({ request }: Context): Negotiated<Coding> | 'none' {
    const accepted = negotiated(request.headers.get('accept-encoding'), this.codings)
    return this.refuses && accepted.coding === undefined && !accepted.acceptsIdentity ? 'none' : accepted
  }

  pack(reply: Reply, ctx: Context, accepted: Negotiated<Coding>): Reply {
    // What is no reply is for the edge to tell of.
    if (!Array.isArray(reply?.headers?.raw)) return reply
    try {
      return this.packed(reply, ctx, accepted)
    } catch (error) {
      // A function of the options threw: nobody will read what it was asked about.
      discard(reply.body)
      throw error
    }
  }

  private packed(reply: Reply, ctx: Context, accepted: Negotiated<Coding>): Reply {
    if (reply.status === 304) return validated(reply, ctx)
    const length = contentLength(reply, ctx.request)
    if (!this.isMeant(reply, ctx, length, accepted)) return reply
    addVary(reply.headers, 'Accept-Encoding')
    if (accepted.coding === undefined) return reply
    const whole = ctx.request.method === 'HEAD' ? undefined : wholeOf(reply, length)
    return whole ? this.packWhole(reply, whole, accepted) : this.packStream(reply, ctx, length, accepted.coding)
  }

  private isMeant(reply: Reply, ctx: Context, length: number | undefined, { acceptsIdentity }: Negotiated<Coding>): boolean {
    const type = mediaTypeOf(reply)
    if (!mayTransform(reply, ctx.request) || type === undefined || length === 0 || this.isLeftOut(ctx, reply)) return false
    // Somebody who does not take it as it is gets it packed even where it is not worth it.
    return !acceptsIdentity || (this.isCompressible(type) && (length === undefined || length >= this.minBytes))
  }

  private packWhole(reply: Reply, whole: Uint8Array, { coding, acceptsIdentity }: Negotiated<Coding>): Reply {
    const packed = this.codecs[coding as Coding].whole(whole)
    if (packed.byteLength >= whole.byteLength && acceptsIdentity) return reply
    describePacked(reply.headers, coding as Coding)
    reply.body = packed
    return reply
  }

  private packStream(reply: Reply, ctx: Context, length: number | undefined, coding: Coding): Reply {
    if (this.inflight >= this.maxInflight) return reply
    const isLive = mediaTypeOf(reply) === 'text/event-stream' || (this.flushStreams && length === undefined)
    describePacked(reply.headers, coding)
    if (reply.body === null) return reply
    this.inflight++
    ctx.onFinish(() => {
      this.inflight--
    })
    reply.body = transformed(reply.body, () => this.codecs[coding].stream(length, isLive))
    return reply
  }
}

/** The content, where it is all here and small; the reply keeps it, or its body would be used up. */
function wholeOf(reply: Reply, length: number | undefined): Uint8Array | undefined {
  if (length === undefined || length > MAX_AT_ONCE || reply.body instanceof Readable) return undefined
  const whole = sourceOf(reply.body).take()
  if (whole !== undefined) reply.body = whole
  return whole ?? undefined
}

// At the usual levels, about a third of a millisecond.
const MAX_AT_ONCE = 16_384

// It names what the client has, which is a validator that we have weakened (RFC 9110 §15.4.5).
function validated(reply: Reply, { request }: Context): Reply {
  const etag = reply.headers.get('etag')
  if (etag === undefined || !request.headers.get('if-none-match')?.includes(`W/${etag}`)) return reply
  weakenEtag(reply.headers)
  addVary(reply.headers, 'Accept-Encoding')
  return reply
}

const matcher =
  (types: RegExp) =>
  (type: string): boolean => {
    // A regular expression that is global goes on where it stopped.
    types.lastIndex = 0
    return types.test(type)
  }

const hasCredentials = ({ request }: Context, { headers }: Reply): boolean =>
  headers.has('set-cookie') || request.headers.has('cookie') || request.headers.has('authorization')

function notAcceptable(): Reply {
  const detail = 'Accept-Encoding takes neither the content as it is nor a coding that is offered here'
  return problem(new GatewayError('NOT_ACCEPTABLE', { detail, headers: { vary: 'Accept-Encoding' } }))
}
