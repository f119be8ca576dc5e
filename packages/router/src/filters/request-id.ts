import { randomBytes, randomUUID } from 'node:crypto'
import {
  amended,
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  type Middleware,
  options,
  systemClock,
} from '@gatelet/core'
import { fieldName } from './field-name.ts'

/** How requests are named. */
export interface RequestIdOptions {
  /** The field that carries the id, to those behind and back to the client. Default `x-request-id`. */
  header?: string
  /**
   * Whose ids are taken over: those of requests that come by a trusted proxy, anybody's, or nobody's. They must be 1 to 128
   * characters of letters, digits and `-._~+/=:@`, since they land in logs. Default `trusted-proxies`.
   */
  accept?: 'trusted-proxies' | 'anybody' | 'nobody'
  /**
   * How others are made: at random, by time (RFC 9562 §5.7: sorted as they were made, which also tells when), or by a function.
   * Default `uuid-v4`.
   */
  make?: 'uuid-v4' | 'uuid-v7' | ((ctx: Context) => string)
  /** Whether the client is told. Default true. */
  reply?: boolean
  /** Where the time of `uuid-v7` comes from. */
  clock?: Clock
}

/** What those behind the layer find in the state. */
export interface WithRequestId {
  readonly requestId: string
}

/**
 * Gives each request a name, and tells it to everybody: to the layers behind by `ctx.state.requestId`, to the upstream by a field,
 * and to the client by the same field, on errors and agreed handshakes too. Place it first.
 * @throws GatewayError `BAD_OPTION` at once; at a request, `BAD_HEADER` where a function makes what no field can carry
 */
export function requestId(given: RequestIdOptions = {}): Middleware<{}, WithRequestId> {
  const {
    header = 'x-request-id',
    accept = 'trusted-proxies',
    reply: tell = true,
    ...how
  } = checkOptions('requestId', given, checks)
  const make = maker(how)
  return function requestId(ctx, next) {
    const { headers, client } = ctx.request
    const isTaken = accept === 'anybody' || (accept === 'trusted-proxies' && client.viaTrustedProxy)
    const sent = isTaken ? headers.get(header) : undefined
    const id = sent !== undefined && isPlain.test(sent) ? sent : make(ctx)
    const known = ctx.withRequest({ headers: headers.clone().set(header, id) }).with({ requestId: id })
    return tell ? amended(known, next, (reply) => void reply.headers.set(header, id)) : next(known)
  }
}

// Neither spaces nor commas: an id that comes twice is none.
const isPlain = /^[\w\-.~+/=:@]{1,128}$/

const checks: Checks<RequestIdOptions> = {
  header: options.optional(fieldName({ host: 'a name of your own' })),
  accept: options.optional(options.oneOf('trusted-proxies', 'anybody', 'nobody')),
  make: options.optional(
    options.either(
      "'uuid-v4', 'uuid-v7', or a function that makes an id",
      options.oneOf('uuid-v4', 'uuid-v7'),
      options.fn<(ctx: Context) => string>(),
    ),
  ),
  reply: options.optional(options.boolean),
  clock: options.optional(options.clock),
}

function maker({ make = 'uuid-v4', clock = systemClock }: Pick<RequestIdOptions, 'make' | 'clock'>): (ctx: Context) => string {
  if (typeof make === 'function') return make
  return make === 'uuid-v4' ? () => randomUUID() : () => uuidV7(clock.date())
}

/** 48 bits of time in milliseconds, and 74 of chance. */
function uuidV7(timeMs: number): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(timeMs, 0, 6)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
