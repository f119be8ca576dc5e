import {
  type Body,
  type Context,
  checkOptions,
  Exchange,
  GatewayError,
  type Handler,
  handlerOf,
  isHeard,
  type Layer,
  lengthOf,
  type Middleware,
  publish,
  type Reply,
  sourceOf,
  systemClock,
} from '@gatelet/core'
import { CopiedBody } from './copied-body.ts'
import { type MirrorOptions, mirrorChecks } from './mirror-options.ts'

type MirrorSettings = Required<MirrorOptions>

/**
 * Sends a copy of requests to another handler, and drops what it answers: a new version of a service sees real traffic, and no
 * client sees it. The client gets what `next` gives, as it would without a mirror: nothing waits for the mirror, and neither its
 * failure nor a client that leaves tells one of the other. Upgrades are not mirrored, nor bodies that are too long or that nobody
 * read to the end. Each copy is told on `gatelet:request:mirrored`. Several mirrors are several layers, each with its own share. A
 * server that closes does not wait for copies.
 *
 * In front of a framework's own handlers, which cannot be given another body, set `maxBodyBytes: 0`.
 *
 * The copy has everything that the request has, cookies and `Authorization` too; a POST is done twice.
 * @param to what gets the copies, for example `proxy('http://127.0.0.1:4009')`
 * @throws GatewayError `BAD_OPTION`
 * @example
 * chain().use(mirror(proxy('http://127.0.0.1:4009'), { share: 0.1 })).to(proxy(users))
 */
export function mirror(to: Layer, given: MirrorOptions = {}): Middleware {
  const checked = checkOptions('mirror', given, mirrorChecks)
  const { share = 1, timeoutMs = 5_000, maxInflight = 100, maxBodyBytes = 65_536, clock = systemClock } = checked
  const settings: MirrorSettings = { share, timeoutMs, maxInflight, maxBodyBytes, clock }
  const mirrored = new Mirror(handlerOf(to), settings)
  return function mirror(ctx, next) {
    if (ctx.request.kind === 'upgrade' || clock.random() >= share) return next(ctx)
    return next(mirrored.copied(ctx))
  }
}

class Mirror {
  private readonly handler: Handler
  private readonly settings: MirrorSettings
  private inflight = 0

  constructor(handler: Handler, settings: MirrorSettings) {
    this.handler = handler
    this.settings = settings
  }

  /** Sends a copy, now or when the body was read. @returns the exchange to go on with */
  copied<S extends object>(ctx: Context<S>): Context<S> {
    const { maxInflight, maxBodyBytes } = this.settings
    const body = this.inflight < maxInflight ? bodyOf(ctx) : undefined
    // Of an unknown length is some, too.
    if (body === undefined || (lengthOf(body) ?? Math.min(1, maxBodyBytes + 1)) > maxBodyBytes) return this.skipped(ctx)
    this.inflight++
    if (body === null || typeof body === 'string' || body instanceof Uint8Array) {
      this.send(ctx, body)
      return ctx
    }
    const copy = new CopiedBody(body, maxBodyBytes, (bytes) => {
      if (bytes !== undefined) return this.send(ctx, bytes)
      this.inflight--
      this.skipped(ctx)
    })
    // Nobody read it, or not to its end.
    ctx.onFinish(() => copy.settle(false))
    return ctx.withRequest({ body: copy, headers: ctx.request.headers })
  }

  private skipped<S extends object>(ctx: Context<S>): Context<S> {
    tell({ context: ctx, outcome: 'skipped', durationMs: 0 })
    return ctx
  }

  // In a turn of its own: what the mirror does at once is not to delay the client, nor to throw into its way.
  private send(ctx: Context, body: Body): void {
    setImmediate(() => {
      // Rejects nothing: what goes wrong is told.
      void new Copy(ctx, body, this.settings).ask(this.handler).then(() => {
        this.inflight--
      })
    })
  }
}

/** One request to the mirror, with a life of its own. */
class Copy {
  private readonly exchange: Exchange
  private readonly original: Context
  private readonly ctx: Context
  private readonly settings: MirrorSettings

  constructor(original: Context, body: Body, settings: MirrorSettings) {
    const { clock } = settings
    this.original = original
    this.settings = settings
    this.exchange = new Exchange({ isOwn: true, inform() {} }, clock)
    const { headers } = original.request
    // Not from `original`: its life is the client's. The body is the same, and so is what the header fields say of it.
    this.ctx = this.exchange.open(original.request).with(original.state).withRequest({ body, headers })
  }

  async ask(handler: Handler): Promise<void> {
    const { exchange, settings } = this
    const cancelTimer = settings.clock.setTimer(() => exchange.abort(new GatewayError('DEADLINE_EXCEEDED')), settings.timeoutMs)
    try {
      const { status } = await this.whole(handler)
      this.over('answered', status)
    } catch (error) {
      this.over(exchange.reason ? 'timeout' : 'failed', undefined, exchange.reason ?? error)
    } finally {
      cancelTimer()
    }
  }

  /** Within the time that there is. */
  private whole(handler: Handler): Promise<Reply> {
    const { ctx, exchange } = this
    const stopped = new Promise<never>((_, reject) => {
      ctx.onAbort(() => reject(exchange.reason))
    })
    return Promise.race([stopped, this.answer(handler)])
  }

  /** The answer, when its body was read to the end: then its connection can serve the next. */
  private async answer(handler: Handler): Promise<Reply> {
    const { ctx } = this
    const reply = await handler(ctx)
    const source = sourceOf(reply.body)
    // At once where the time is over already.
    ctx.onAbort(() => source.cancel())
    await new Promise<void>((resolve, reject) => {
      source.pipeTo({ write: () => true, end: () => resolve(), fail: reject })
    })
    return reply
  }

  private over(outcome: 'answered' | 'failed' | 'timeout', status?: number, error?: unknown): void {
    const { original, exchange, ctx } = this
    const durationMs = this.settings.clock.now() - exchange.startedAt
    exchange.finish(ctx, outcome === 'answered' ? 'finished' : 'failed', 0, error)
    tell({
      context: original,
      outcome,
      durationMs,
      ...(status === undefined ? {} : { status }),
      ...(error === undefined ? {} : { error }),
    })
  }
}

/** Undefined where it cannot be had, since the framework has parsed it: that is for the handler to say. */
function bodyOf(ctx: Context): Body | undefined {
  try {
    return ctx.request.body
  } catch {
    return undefined
  }
}

function tell(event: Parameters<typeof publish<'request:mirrored'>>[1]): void {
  if (isHeard('request:mirrored')) publish('request:mirrored', event)
}
