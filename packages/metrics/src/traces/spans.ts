import {
  type ComingAttempt,
  type Context,
  type EventMap,
  type Exchange,
  exchangeOf,
  guarded,
  type Summary,
  subscribe,
} from '@gatelet/core'
import { answeredStatus } from '../answered-status.ts'
import { Attached } from '../attached.ts'
import { attemptAttributes, methodOf, requestAttributes } from './attributes.ts'
import type { TraceSettings } from './options.ts'
import type { Asked } from './trace.ts'
import type { SpanPlace } from './trace-parent.ts'
import type { SpanLike, TracerLike, TracingApi } from './tracing-api.ts'

/** Makes the spans of requests, and of the attempts that are made for them. */
export class Spans {
  private readonly api: TracingApi
  private readonly tracer: TracerLike
  private readonly settings: TraceSettings
  private readonly open = new Attached<Exchange, RequestSpan>()
  private readonly undo: readonly (() => void)[]

  constructor(api: TracingApi, settings: TraceSettings) {
    this.api = api
    this.tracer = api.trace.getTracer('gatelet')
    this.settings = settings
    this.undo = [
      subscribe('request:routed', ({ context, route }) => this.of(context)?.routed(route)),
      subscribe('upstream:attempted', (event) => this.of(event.context)?.attempted(event)),
    ]
  }

  /** Undefined where the SDK throws. */
  begin(ctx: Context, asked: Asked): RequestSpan | undefined {
    const { api, tracer, settings } = this
    const span = spared(() => new RequestSpan({ api, tracer, settings }, ctx, asked))
    const exchange = exchangeOf(ctx)
    if (!span || !exchange) return span
    this.open.set(exchange, span)
    ctx.onFinish((summary) => span.finished(summary))
    return span
  }

  close(): void {
    for (const undo of this.undo) undo()
  }

  private of(context: Context): RequestSpan | undefined {
    const exchange = exchangeOf(context)
    return exchange && (this.open.get(exchange) ?? (exchange.cause && this.open.get(exchange.cause)))
  }
}

interface Maker {
  readonly api: TracingApi
  readonly tracer: TracerLike
  readonly settings: TraceSettings
}

/** The span of one request, and those of its attempts. */
export class RequestSpan {
  private readonly maker: Maker
  private readonly span: SpanLike
  private readonly context: unknown
  private readonly method: string
  private readonly ctx: Context
  private readonly attempts = new Map<number, SpanLike>()

  constructor(maker: Maker, ctx: Context, { parent, foreign, traceState }: Asked) {
    const { api, tracer, settings } = maker
    const remote = parent && api.trace.setSpanContext(api.ROOT_CONTEXT as never, remoteOf(api, parent, traceState))
    const init = {
      kind: api.SpanKind.SERVER,
      attributes: { ...requestAttributes(ctx, settings.query), ...spared(() => settings.attributes(ctx)) },
      ...(foreign ? { links: [{ context: remoteOf(api, foreign, undefined) }] } : {}),
    }
    this.maker = maker
    this.ctx = ctx
    this.method = methodOf(ctx.request)
    this.span = tracer.startSpan(this.method, init as never, (remote ?? api.ROOT_CONTEXT) as never)
    this.context = api.trace.setSpan((remote ?? api.ROOT_CONTEXT) as never, this.span as never)
  }

  /** Undefined where no SDK is registered, which makes no spans. */
  get place(): SpanPlace | undefined {
    return placeOf(this.span)
  }

  /** Runs what follows so that spans which are made there belong to this one. */
  around<T>(work: () => T): T {
    return this.maker.api.context.with(this.context as never, work)
  }

  routed(route: string): void {
    this.span.setAttribute('http.route', route)
    this.span.updateName(`${this.method} ${route}`)
  }

  /**
   * Begins the span of an attempt. One that begins while another goes on is a hedge: it is linked to that. Undefined where the SDK
   * makes none, or throws.
   */
  attempt(coming: ComingAttempt): SpanPlace | undefined {
    const { api, tracer } = this.maker
    const links = [...this.attempts.values()].map((span) => ({ context: span.spanContext() }))
    const init = { kind: api.SpanKind.CLIENT, attributes: attemptAttributes(this.ctx.request, coming), links }
    const span = spared(() => tracer.startSpan(this.method, init as never, this.context as never))
    if (!span) return undefined
    this.attempts.set(coming.attempt, span)
    return placeOf(span)
  }

  attempted(event: EventMap['upstream:attempted']): void {
    const { attempt, outcome, error } = event
    const span = this.attempts.get(attempt)
    if (!span) return
    this.attempts.delete(attempt)
    const status = answeredStatus(event)
    if (status !== undefined) span.setAttribute('http.response.status_code', status)
    if (status === undefined ? outcome.kind === 'failure' : status >= 400) this.fail(span, error, status)
    if (outcome.kind === 'cancelled') span.setAttribute('error.type', 'cancelled')
    span.end()
  }

  finished({ outcome, status, error, sentBytes, receivedBytes }: Summary): void {
    const { span } = this
    for (const attempt of this.attempts.values()) attempt.end()
    this.attempts.clear()
    span.setAttribute('http.response.status_code', status)
    if (receivedBytes) span.setAttribute('http.request.body.size', receivedBytes)
    if (sentBytes) span.setAttribute('http.response.body.size', sentBytes)
    if (outcome === 'failed' || status >= 500) this.fail(span, error, status)
    else if (outcome === 'aborted') span.setAttribute('error.type', 'CLIENT_CLOSED')
    span.end()
  }

  private fail(span: SpanLike, error: unknown, status: number | undefined): void {
    const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
    span.setAttribute('error.type', typeof code === 'string' ? code : String(status ?? name ?? '_OTHER'))
    span.setStatus({ code: this.maker.api.SpanStatusCode.ERROR })
  }
}

/** What processors and samplers of the SDK throw, and the user's function, is a warning of the process, and never a request's concern. */
function spared<T>(work: () => T): T | undefined {
  let made: T | undefined
  guarded(
    () => {
      made = work()
    },
    undefined,
    'trace',
  )
  return made
}

function placeOf(span: SpanLike): SpanPlace | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext()
  if (/^0*$/.test(traceId)) return undefined
  return { traceId, spanId, flags: traceFlags & 3 }
}

function remoteOf(api: TracingApi, { traceId, spanId, flags }: SpanPlace, traceState: string | undefined): never {
  const state = traceState !== undefined && api.createTraceState ? { traceState: api.createTraceState(traceState) } : {}
  return { traceId, spanId, traceFlags: flags, isRemote: true, ...state } as never
}
