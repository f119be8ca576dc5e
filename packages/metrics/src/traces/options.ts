import { type Checks, type Clock, type Context, checkOptions, options, systemClock } from '@gatelet/core'
import type { TracingApi } from './tracing-api.ts'

/** How requests become traces. */
export interface TraceOptions {
  /**
   * Whose traces go on: those of requests that come by a trusted proxy, anybody's, or nobody's. The others begin one of their own;
   * what clients say of theirs is linked to it where spans are made, and dropped otherwise. Default `trusted-proxies`.
   */
  accept?: 'trusted-proxies' | 'anybody' | 'nobody'
  /** Which part of the traces that begin here is recorded, 0 to 1. Default 1. With `api`, its sampler decides. */
  sample?: number
  /** Makes spans: the module `@opentelemetry/api`, with whatever SDK is registered there. Default: identifiers are passed on, no more. */
  api?: TracingApi
  /** Whether spans tell the query, which may hold tokens. Default false. */
  query?: boolean
  /** More attributes for the span of a request, from what is known when it comes. */
  attributes?: (ctx: Context) => Readonly<Record<string, string | number | boolean>>
  /** Where time and chance come from. */
  clock?: Clock
}

/** Checked, and every default filled in. */
export type TraceSettings = Required<Omit<TraceOptions, 'api' | 'attributes'>> & {
  readonly api: TracingApi | undefined
  readonly attributes: NonNullable<TraceOptions['attributes']>
}

const { boolean, fn, number, oneOf, optional, wrong } = options

const api: options.Check<TracingApi> = (value, path) => {
  const { trace, context } = (value ?? {}) as Partial<TracingApi>
  if (typeof trace?.getTracer !== 'function' || typeof context?.with !== 'function')
    throw wrong(value, path, 'the module @opentelemetry/api')
  return value as TracingApi
}

const checks: Checks<TraceOptions> = {
  accept: optional(oneOf('trusted-proxies', 'anybody', 'nobody')),
  sample: optional(number({ min: 0, max: 1 })),
  api: optional(api),
  query: optional(boolean),
  attributes: optional(fn<NonNullable<TraceOptions['attributes']>>('a function of the context')),
  clock: optional(options.clock),
}

/** @throws GatewayError `BAD_OPTION` */
export function traceSettings(given: TraceOptions): TraceSettings {
  const { api, attributes = none, ...checked } = checkOptions('trace', given, checks)
  return { accept: 'trusted-proxies', sample: 1, query: false, clock: systemClock, ...checked, api, attributes }
}

const none = () => ({})
