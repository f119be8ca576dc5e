import { randomUUID } from 'node:crypto'
import {
  bytesOf,
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  HeaderList,
  type IncomingRequest,
  type Middleware,
  options,
  systemClock,
} from '@gatelet/core'

/** How a request becomes an event (CloudEvents 1.0, HTTP binding). */
export interface CloudEventOptions {
  /** What it comes from, a URI reference: `/orders`. */
  source: string
  /** What it is: `com.example.order.created`; or a function of the request. */
  type: string | ((ctx: Context) => string)
  /** `binary`: the body stays, and fields tell of it. `structured`: both are one JSON. Default: `binary`. */
  mode?: 'binary' | 'structured'
  /** What it is about, within the source. Default: nothing is said. */
  subject?: (ctx: Context) => string | undefined
  /** The longest body in bytes, where the event is structured; more is answered 413. Default: 1,048,576. */
  maxBytes?: number
  /** Where time comes from. */
  clock?: Clock
}

type Settings = Required<Omit<CloudEventOptions, 'type' | 'subject'>> & {
  readonly type: (ctx: Context) => string
  readonly subject: (ctx: Context) => string | undefined
}

const checks: Checks<CloudEventOptions> = {
  source: options.string,
  type: options.either(
    'a text such as com.example.order.created, or a function of the context',
    options.string,
    options.fn<(ctx: Context) => string>(),
  ),
  mode: options.optional(options.oneOf('binary', 'structured')),
  subject: options.optional(options.fn<(ctx: Context) => string | undefined>('a function of the context')),
  maxBytes: options.optional(options.number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' })),
  clock: options.optional(options.clock),
}

/**
 * Sends requests on as events: for Knative, Eventarc and whatever else takes CloudEvents by HTTP. The event is a POST. Fields that
 * clients name `ce-…` are taken away: they would say of an event what only this gateway can.
 * @throws GatewayError `BAD_OPTION`; `BODY_TOO_LARGE` where the event is structured
 * @example chain().use(cloudEvent({ source: '/orders', type: 'com.example.order.created' })).to(proxy('http://broker-ingress.knative-eventing'))
 */
export function cloudEvent(given: CloudEventOptions): Middleware {
  const { type, ...checked } = checkOptions('cloudEvent', given, checks)
  const settings: Settings = {
    mode: 'binary',
    subject: () => undefined,
    maxBytes: 1_048_576,
    clock: systemClock,
    ...checked,
    type: typeof type === 'string' ? () => type : type,
  }
  return async (ctx, next) => {
    const attributes = attributesOf(ctx, settings)
    if (settings.mode === 'binary') return next(ctx.withRequest({ method: 'POST', headers: binary(ctx.request, attributes) }))
    const body = JSON.stringify({ ...attributes, ...(await dataOf(ctx.request, settings.maxBytes)) })
    return next(ctx.withRequest({ method: 'POST', headers: structured(ctx.request, body), body }))
  }
}

type Attributes = Readonly<Record<string, string>>

function attributesOf(ctx: Context, { source, type, subject, clock }: Settings): Attributes {
  const about = subject(ctx)
  return {
    specversion: '1.0',
    id: randomUUID(),
    source,
    type: type(ctx),
    time: new Date(clock.date()).toISOString(),
    ...(about === undefined ? {} : { subject: about }),
  }
}

function binary(request: IncomingRequest, attributes: Attributes): HeaderList {
  const headers = withoutClaims(request)
  for (const [name, value] of Object.entries(attributes)) headers.set(`ce-${name}`, percentEncoded(value))
  return headers
}

function structured(request: IncomingRequest, body: string): HeaderList {
  const headers = withoutClaims(request)
  for (const name of ['content-encoding', 'transfer-encoding', 'expect']) headers.delete(name)
  headers.set('content-type', 'application/cloudevents+json; charset=utf-8')
  return headers.set('content-length', String(Buffer.byteLength(body)))
}

// `_` and `.` count as `-`: many servers cannot tell them apart.
function withoutClaims({ headers }: IncomingRequest): HeaderList {
  return new HeaderList([...headers].filter(([name]) => !/^ce[-_.]/i.test(name)))
}

// CloudEvents, HTTP binding §3.1.3.2: what is not printable, and a space, `"` and `%`.
function percentEncoded(text: string): string {
  return text.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

async function dataOf({ body, headers }: IncomingRequest, maxBytes: number): Promise<Record<string, unknown>> {
  if (body === null) return {}
  const bytes = Buffer.from(await bytesOf(body, maxBytes))
  const type = headers.get('content-type')
  const more = type === undefined ? {} : { datacontenttype: type }
  const json = /^application\/(?:[\w.-]+\+)?json(?:;|$)/i.test(type ?? '') && !headers.has('content-encoding')
  const value = json ? parsed(bytes) : undefined
  return value === undefined ? { ...more, data_base64: bytes.toString('base64') } : { ...more, data: value }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
