import { randomUUID } from 'node:crypto'
import type { Middleware } from 'gatelet'
import { type Check, type Checks, checkOptions, options } from 'gatelet/core'

/** How requests are named. */
export interface RequestIdOptions {
  /** The field that carries the name, to the server behind and back to the client. Default `x-request-id`. */
  header?: string
  /** Whether a name that the client sends is taken over. Default: no, since it lands in your log. */
  trustClient?: boolean
}

/** What those behind the layer find in the state. */
export interface WithRequestId {
  readonly requestId: string
}

/**
 * Gives each request a name, and tells it to everybody: to the layers behind as `ctx.state.requestId`, to the server by a
 * field, and to the client by the same field.
 * @throws GatewayError `BAD_OPTION` when the program starts, never at a request
 */
export function requestId(given: RequestIdOptions = {}): Middleware<{}, WithRequestId> {
  const { header = 'x-request-id', trustClient = false } = checkOptions('requestId', given, checks)

  return async function requestId(ctx, next) {
    const { headers } = ctx.request
    const sent = trustClient ? headers.get(header) : undefined
    const id = sent !== undefined && isPlain.test(sent) ? sent : randomUUID()
    // The same exchange, asking with one field more, and knowing more.
    const named = ctx.withRequest({ headers: headers.clone().set(header, id) }).with({ requestId: id })
    const reply = await next(named)
    // Changed in place, not copied: a reply may carry an upgrade, and its body may be a stream that is on its way.
    reply.headers.set(header, id)
    return reply
  }
}

// What a client sends ends up in logs: nothing that could pass for another line.
const isPlain = /^[\w.-]{1,64}$/

const fieldName: Check<string> = (value, path) => {
  if (typeof value !== 'string' || !/^[\w-]+$/.test(value)) throw options.wrong(value, path, 'the name of a header field')
  return value
}

const checks: Checks<RequestIdOptions> = {
  header: options.optional(fieldName),
  trustClient: options.optional(options.boolean),
}
