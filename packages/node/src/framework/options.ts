import {
  type Check,
  type Checks,
  type Clock,
  checkOptions,
  type Layer,
  options,
  systemClock,
  type TrustedProxies,
  trustedProxies,
  wantsStrictPaths,
} from '@gatelet/core'
import { checkLayer } from '../options.ts'

/** How a handler, a layer or a chain stands in a framework. */
export interface FrameworkOptions {
  /**
   * Which path it sees where the framework's router has taken off a part: the rest (`mounted`), so that it can be placed
   * anywhere, or the whole one (`original`). With `mounted`, `Location` and the paths of cookies in its own replies are
   * moved back under that part. Default `mounted`.
   */
  path?: 'mounted' | 'original'
  /**
   * Which proxies before us are believed about the client's address and scheme; `framework` takes what the framework
   * itself believes. Default: none.
   */
  trustedProxies?: TrustedProxies | 'framework'
  /**
   * Refuses every path that servers read in two ways (`//`, `%2F`, `\`, …) and gives the framework's router the canonical
   * one. Where access depends on the path, switch it on. Default: on where `auth`, a router or a gateway is a part of the chain; elsewhere only NUL,
   * control bytes and a `%` without two hex digits are refused, since the framework's router reads the path as it came.
   */
  strictPaths?: boolean
  /** Hands errors to the framework's own error handling instead of answering them as problem+json. Default false. */
  passErrors?: boolean
  /** Where time comes from. The first placement that a request meets decides. */
  clock?: Clock
}

/** Checked, and every default filled in. */
export interface FrameworkSettings {
  /** Who places it, for messages. */
  readonly owner: string
  readonly path: 'mounted' | 'original'
  readonly trustedProxies: TrustedProxies | 'framework' | undefined
  readonly strictPaths: boolean
  readonly passErrors: boolean
  readonly clock: Clock
}

const { boolean, either, oneOf, optional } = options

const trusted: Check<TrustedProxies | 'framework'> = either(
  "'framework', a list of addresses and CIDR ranges, or how many proxies stand before us (0 to 32)",
  oneOf('framework'),
  trustedProxies,
)

const checks: Checks<FrameworkOptions> = {
  path: optional(oneOf('mounted', 'original')),
  trustedProxies: optional(trusted),
  strictPaths: optional(boolean),
  passErrors: optional(boolean),
  clock: optional(options.clock),
}

/** @throws GatewayError `BAD_OPTION` */
export function frameworkSettings(owner: string, layer: Layer, given: FrameworkOptions): FrameworkSettings {
  checkLayer(owner, layer)
  const {
    path = 'mounted',
    strictPaths = wantsStrictPaths(typeof layer === 'function' ? layer : layer.layer()),
    passErrors = false,
    clock = systemClock,
    ...rest
  } = checkOptions(owner, given, checks)
  return { owner, path, strictPaths, passErrors, clock, trustedProxies: rest.trustedProxies }
}
