import { type Context, type Middleware, withAttemptFields } from '@gatelet/core'
import { baggageOf } from './baggage.ts'
import { identifier } from './identifier.ts'
import { type TraceOptions, type TraceSettings, traceSettings } from './options.ts'
import { type RequestSpan, Spans } from './spans.ts'
import { isSampled, parentOf, parentText, type SpanPlace, traceStateOf } from './trace-parent.ts'

/** Where a request stands in its trace. */
export interface RequestTrace {
  readonly traceId: string
  /** Of the request here; what it is called by behind. */
  readonly spanId: string
  /** Of who asked, where it belongs to the same trace. */
  readonly parentSpanId: string | undefined
  /** Whether the trace is recorded. */
  readonly isSampled: boolean
}

/** What those behind the layer find in the state. */
export interface WithTrace {
  readonly trace: RequestTrace
}

/**
 * Makes each request a part of a trace (W3C Trace Context and Baggage): goes on with the one that it belongs to, or begins another,
 * and tells those behind by `ctx.state.trace` and upstreams by `traceparent`, `tracestate` and `baggage`. With `api` there are spans,
 * one for the request and one for each attempt at an upstream, with the attributes of OpenTelemetry's conventions for HTTP. Place it
 * first.
 * @throws GatewayError `BAD_OPTION`
 * @example chain().use(trace({ api: await import('@opentelemetry/api') }))
 */
export function trace(given: TraceOptions = {}): Middleware<{}, WithTrace> & { close(): void } {
  const settings = traceSettings(given)
  const spans = settings.api && new Spans(settings.api, settings)
  const layer: Middleware<{}, WithTrace> = (ctx, next) => {
    const asked = askedBy(ctx, settings)
    const span = spans?.begin(ctx, asked)
    const place = span?.place ?? placeIn(asked.parent, settings)
    const known = told(ctx, asked, place, span)
    return span ? span.around(() => next(known)) : next(known)
  }
  return Object.assign(layer, { close: () => spans?.close() })
}

/** What a request brought. */
export interface Asked {
  /** The span that it belongs to. */
  readonly parent: SpanPlace | undefined
  /** One that it named, and that is not believed. */
  readonly foreign: SpanPlace | undefined
  readonly traceState: string | undefined
  readonly baggage: string | undefined
}

function askedBy({ request: { headers, client } }: Context, { accept }: TraceSettings): Asked {
  const named = parentOf(headers)
  const isBelieved = accept === 'anybody' || (accept === 'trusted-proxies' && client.viaTrustedProxy)
  if (!isBelieved) return { parent: undefined, foreign: named, traceState: undefined, baggage: undefined }
  // What is kept about a trace means nothing without it.
  const traceState = named && traceStateOf(headers)
  return { parent: named, foreign: undefined, traceState, baggage: baggageOf(headers) }
}

function placeIn(parent: SpanPlace | undefined, { sample, clock }: TraceSettings): SpanPlace {
  const spanId = identifier(8)
  if (parent) return { traceId: parent.traceId, spanId, flags: parent.flags }
  // The trace id is made at random, which bit 1 says.
  return { traceId: identifier(16), spanId, flags: clock.random() < sample ? 3 : 2 }
}

function told<S extends object>(
  ctx: Context<S>,
  asked: Asked,
  place: SpanPlace,
  span: RequestSpan | undefined,
): Context<S & WithTrace> {
  const { traceState, baggage, parent } = asked
  const headers = ctx.request.headers.clone().set('traceparent', parentText(place))
  for (const [name, value] of [['tracestate', traceState] as const, ['baggage', baggage] as const]) {
    if (value === undefined) headers.delete(name)
    else headers.set(name, value)
  }
  const { traceId, spanId } = place
  const known = ctx
    .withRequest({ headers })
    .with({ trace: Object.freeze({ traceId, spanId, parentSpanId: parent?.spanId, isSampled: isSampled(place) }) })
  return span ? withAttemptFields(known, (attempt) => [['traceparent', parentText(span.attempt(attempt) ?? place)]]) : known
}
