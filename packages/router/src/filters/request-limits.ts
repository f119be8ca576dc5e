import {
  type Body,
  type Checks,
  type Context,
  checkOptions,
  GatewayError,
  type IncomingRequest,
  lengthOf,
  type Middleware,
  options,
  problem,
  type ReadonlyHeaders,
  transformed,
} from '@gatelet/core'

/** How large requests may be. What is left out is not bounded here; the server has bounds of its own (`serve`). */
export interface RequestLimitsOptions {
  /** Longest body in bytes, as it comes, 0 or more. Beyond: 413. */
  maxBodyBytes?: number
  /** Refuses a body whose length is not announced (411), so that none is begun that turns out to be too long. Default false. */
  requireLength?: boolean
  /** Most header fields, 1 or more; each line counts. Beyond: 431. */
  maxHeaderFields?: number
  /** Longest header in bytes, 1 or more: names and values, and four more for each line as HTTP/1.1 writes it. Beyond: 431. */
  maxHeaderBytes?: number
  /** Longest target in bytes, query and all, as it came, 1 or more. 8,000 is what everybody should take (RFC 9110 §4.1). Beyond: 414. */
  maxTargetBytes?: number
}

/**
 * Refuses requests that are larger than is allowed here, with 411, 413, 414 or 431. Where the length of the body is announced,
 * nothing of what is refused is read, nor is a client told to go on (`Expect: 100-continue`); else it is counted as it passes, and
 * reading it fails with `BODY_TOO_LARGE` when it is too much: a proxy breaks off what it sends.
 *
 * In front of a framework's handlers only what is announced can be bounded: set `requireLength` there.
 * @throws GatewayError `BAD_OPTION` at once
 * @example router.post('/avatars', requestLimits({ maxBodyBytes: 1_000_000 }), proxy(avatars))
 */
export function requestLimits(given: RequestLimitsOptions): Middleware {
  const limits = checkOptions<RequestLimitsOptions>('requestLimits', given, checks)
  const { maxBodyBytes } = limits
  const readsBody = maxBodyBytes !== undefined || limits.requireLength === true
  return function requestLimits(ctx, next) {
    const { request } = ctx
    const refusal = headRefusal(request, limits) ?? (readsBody ? bodyRefusal(request.body, limits) : undefined)
    if (refusal) return problem(refusal)
    return next(maxBodyBytes === undefined ? ctx : counted(ctx, maxBodyBytes))
  }
}

// One character of a target or a field is one byte: Node reads and writes them as latin1.
function headRefusal({ target, headers }: IncomingRequest, limits: RequestLimitsOptions): GatewayError | undefined {
  const { maxTargetBytes, maxHeaderFields, maxHeaderBytes } = limits
  if (maxTargetBytes !== undefined && target.length > maxTargetBytes) {
    return new GatewayError('TARGET_TOO_LONG', { detail: atMost(maxTargetBytes, 'bytes') })
  }
  if (maxHeaderFields !== undefined && headers.raw.length > maxHeaderFields * 2) {
    return new GatewayError('HEADERS_TOO_LARGE', { detail: atMost(maxHeaderFields, 'fields') })
  }
  if (maxHeaderBytes !== undefined && bytesIn(headers) > maxHeaderBytes) {
    return new GatewayError('HEADERS_TOO_LARGE', { detail: atMost(maxHeaderBytes, 'bytes') })
  }
  return undefined
}

function bytesIn({ raw }: ReadonlyHeaders): number {
  let bytes = raw.length * 2
  for (const part of raw) bytes += part.length
  return bytes
}

function bodyRefusal(body: Body, { maxBodyBytes, requireLength }: RequestLimitsOptions): GatewayError | undefined {
  const length = lengthOf(body)
  if (length === undefined) return requireLength ? new GatewayError('LENGTH_REQUIRED') : undefined
  return maxBodyBytes !== undefined && length > maxBodyBytes ? tooLarge(maxBodyBytes) : undefined
}

function counted<S extends object>(ctx: Context<S>, max: number): Context<S> {
  const { body, headers } = ctx.request
  if (lengthOf(body) !== undefined) return ctx
  let left = max
  const counting = {
    chunk(chunk: Uint8Array) {
      left -= chunk.byteLength
      if (left < 0) throw tooLarge(max)
      return chunk
    },
  }
  return ctx.withRequest({ body: transformed(body, counting), headers })
}

const atMost = (limit: number, of: string) => `At most ${limit} ${of} are allowed`

const tooLarge = (limit: number) => new GatewayError('BODY_TOO_LARGE', { detail: atMost(limit, 'bytes') })

const count = (min: number, unit: string) =>
  options.optional(options.number({ min, max: Number.MAX_SAFE_INTEGER, integer: true, unit }))

const checks: Checks<RequestLimitsOptions> = {
  maxBodyBytes: count(0, 'bytes'),
  requireLength: options.optional(options.boolean),
  maxHeaderFields: count(1, 'fields'),
  maxHeaderBytes: count(1, 'bytes'),
  maxTargetBytes: count(1, 'bytes'),
}
