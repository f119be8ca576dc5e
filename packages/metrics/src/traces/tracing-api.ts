/** The part of `@opentelemetry/api` (1.4 or later) that is used: give the module itself. */
export interface TracingApi {
  readonly trace: {
    getTracer(name: string, version?: string): TracerLike
    setSpan(context: never, span: never): unknown
    setSpanContext(context: never, spanContext: never): unknown
  }
  readonly context: {
    with<T>(context: never, work: () => T): T
  }
  readonly ROOT_CONTEXT: unknown
  readonly SpanKind: { readonly SERVER: number; readonly CLIENT: number }
  readonly SpanStatusCode: { readonly ERROR: number }
  createTraceState?(text?: string): unknown
}

export interface TracerLike {
  startSpan(name: string, options?: never, context?: never): SpanLike
}

export interface SpanLike {
  spanContext(): { traceId: string; spanId: string; traceFlags: number }
  setAttribute(name: string, value: string | number | boolean): unknown
  updateName(name: string): unknown
  setStatus(status: { code: number; message?: string }): unknown
  end(endTime?: number): void
}
