import {
  type Check,
  type Checks,
  canonicalizePath,
  checkOptions,
  GatewayError,
  type Middleware,
  options,
  problem,
} from '@gatelet/core'
import { addresses } from './address-list.ts'
import type { AddressSet } from './address-set.ts'

/** How a service is closed for a while. */
export interface MaintenanceOptions {
  /** Whether it begins so. Default false. */
  active?: boolean
  /** What clients are told in `Retry-After`, in milliseconds, made into whole seconds. Default 120,000; 0: nothing. */
  retryAfterMs?: number
  /** Addresses and CIDR ranges of clients that are let in all the same, 100,000 entries at most. Default: none. */
  allow?: readonly string[]
  /** Paths that are answered all the same, exactly, at most 1,000: health checks. Default `/livez`, `/readyz`, `/healthz`. */
  keep?: readonly string[]
  /** A sentence for the client, as the problem's `detail`. Default: none. */
  detail?: string
}

/** A layer, and its switch. */
export type Maintenance = Middleware & {
  /** Closes, for requests that come from now on. What is under way goes on. */
  start(): void
  /** Opens again. */
  stop(): void
  isActive(): boolean
}

/**
 * Answers 503 (`MAINTENANCE`) with `Retry-After` while it is switched on, to handshakes, too. Place it first, behind what makes
 * request ids and security headers.
 * @throws GatewayError `BAD_OPTION` at once
 * @example
 * const closed = maintenance({ allow: ['10.0.0.0/8'] })
 * process.on('SIGUSR2', () => (closed.isActive() ? closed.stop() : closed.start()))
 */
export function maintenance(given: MaintenanceOptions = {}): Maintenance {
  const {
    active: isOn = false,
    retryAfterMs = 120_000,
    allow,
    keep = healthPaths,
    detail,
  } = checkOptions<Checked>('maintenance', given, checks)
  const headers: Record<string, string> = retryAfterMs > 0 ? { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) } : {}
  let isActive = isOn
  const layer: Middleware = function maintenance(ctx, next) {
    const { client, url } = ctx.request
    if (!isActive || keep.has(url.path) || allow?.has(client.address)) return next(ctx)
    return problem(new GatewayError('MAINTENANCE', { headers, ...(detail !== undefined && { detail }) }))
  }
  return Object.assign(layer, {
    start() {
      isActive = true
    },
    stop() {
      isActive = false
    },
    isActive: () => isActive,
  })
}

const healthPaths: ReadonlySet<string> = new Set(['/livez', '/readyz', '/healthz'])

interface Checked {
  readonly active?: boolean
  readonly retryAfterMs?: number
  readonly allow?: AddressSet
  readonly keep?: ReadonlySet<string>
  readonly detail?: string
}

const path: Check<string> = (value, at) => {
  try {
    return canonicalizePath(options.string(value, at))
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'BAD_TARGET') throw error
    throw options.wrong(value, at, 'a path such as /livez')
  }
}

const checks: Checks<Checked> = {
  active: options.optional(options.boolean),
  retryAfterMs: options.optional(options.milliseconds(0)),
  allow: options.optional(addresses),
  keep: options.optional((value, at) => new Set(options.list(path, { max: 1_000 })(value, at))),
  detail: options.optional(options.string),
}
