import { type Check, type Checks, type Clock, type Context, checkOptions, options, systemClock } from '@gatelet/core'

/** The shape of event and answer: that of an HTTP API (2.0), of a REST API (1.0), or of an Application Load Balancer. */
export type LambdaPayload = '2.0' | '1.0' | 'alb' | 'alb-multi-value'

/** How requests become events, and answers replies. */
export interface LambdaOptions {
  /** The shape of event and answer. `alb-multi-value` is that of a target group with multi-value headers. Default: `2.0`. */
  payload?: LambdaPayload
  /** The route as the function is told of it: `GET /orders/{id}`. Its parameters are those of the router's route. Default: `$default`. */
  route?: string
  /** What the function is told of the API that it belongs to. */
  api?: LambdaApi
  /** What it is told of who asks: `(ctx) => ({ jwt: { claims: ctx.state.principal.claims, scopes: null } })`. Default: nothing. */
  authorizer?: (ctx: Context) => object | undefined
  /**
   * Takes the answer as it is made, by response streaming: `http` expects the head that `awslambda.HttpResponseStream` writes, `raw`
   * takes all of it for the body of a 200 of `application/octet-stream`. Default: false, the answer is waited for.
   */
  streaming?: 'http' | 'raw' | false
  /** The longest event in bytes, the body in it. What is longer is answered 413. Default: 6,291,456, which is Lambda's. */
  maxRequestBytes?: number
  /** The longest answer in bytes, where it is waited for. What is longer is answered 502. Default: 6,291,456. */
  maxResponseBytes?: number
  /** Milliseconds until the answer, where it is streamed until its head: then 504. Default: 30,000. */
  timeoutMs?: number
  /** Where time comes from. */
  clock?: Clock
}

/** What a function is told of the API that it belongs to. */
export interface LambdaApi {
  /** Default: `gatelet`. */
  id?: string
  /** Default: `$default`. It is no part of the path. */
  stage?: string
  /** Twelve digits. Default: `000000000000`. */
  accountId?: string
}

/** Checked, and every default filled in. */
export type LambdaSettings = Readonly<Required<Omit<LambdaOptions, 'authorizer' | 'api'>>> & {
  readonly authorizer: (ctx: Context) => object | undefined
  readonly api: Readonly<Required<LambdaApi>>
}

const { fn, milliseconds, number, oneOf, optional, shape, string, wrong } = options

const never: Check<false> = (value, path) => {
  if (value !== false) throw wrong(value, path, 'http, raw or false')
  return value
}

const route: Check<string> = (value, path) => {
  const isRoute = value === '$default' || (typeof value === 'string' && /^[A-Z]+ \/\S*$/.test(value))
  if (!isRoute) throw wrong(value, path, 'a method and a path such as "GET /orders/{id}", or $default')
  return value as string
}

const account: Check<string> = (value, path) => {
  if (typeof value !== 'string' || !/^\d{12}$/.test(value)) throw wrong(value, path, 'twelve digits')
  return value
}

const bytes = number({ min: 1, max: 1_073_741_824, integer: true, unit: 'bytes' })

const checks: Checks<LambdaOptions> = {
  payload: optional(oneOf('2.0', '1.0', 'alb', 'alb-multi-value')),
  route: optional(route),
  api: optional(shape<LambdaApi>({ id: optional(string), stage: optional(string), accountId: optional(account) })),
  authorizer: optional(fn<(ctx: Context) => object | undefined>('a function of the context')),
  streaming: optional(options.either('http, raw or false', oneOf('http', 'raw'), never)),
  maxRequestBytes: optional(bytes),
  maxResponseBytes: optional(bytes),
  timeoutMs: optional(milliseconds()),
  clock: optional(options.clock),
}

/** @throws GatewayError `BAD_OPTION` */
export function lambdaSettings(given: LambdaOptions): LambdaSettings {
  const { api, authorizer = nobody, ...checked } = checkOptions('lambda', given, checks)
  return {
    payload: '2.0',
    route: '$default',
    streaming: false,
    maxRequestBytes: lambdaLimit,
    maxResponseBytes: lambdaLimit,
    timeoutMs: 30_000,
    clock: systemClock,
    ...checked,
    authorizer,
    api: { id: 'gatelet', stage: '$default', accountId: '000000000000', ...api },
  }
}

const nobody = () => undefined
const lambdaLimit = 6_291_456
