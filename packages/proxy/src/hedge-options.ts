import { GatewayError, options } from '@gatelet/core'

/** When a second endpoint is asked although the first has not failed. Exactly one of `afterMs` and `percentile`. */
export interface HedgeOptions {
  /** After so many milliseconds without an answer. */
  afterMs?: number
  /**
   * After as long as this share of the last 1,000 requests took to their answer's head, 0.5 to 0.999: with 0.95, one request in
   * twenty. Nothing is hedged before 100 have been answered.
   */
  percentile?: number
  /** Attempts at the same time, the first among them. 2 to 5, default 2. */
  maxAttempts?: number
}

/** The same with every default filled in. */
export interface HedgeSettings extends HedgeOptions {
  readonly maxAttempts: number
}

const { milliseconds, number, optional, shape, wrong } = options

const hedgeShape = shape<HedgeOptions>({
  afterMs: optional(milliseconds()),
  percentile: optional(number({ min: 0.5, max: 0.999 })),
  maxAttempts: optional(number({ min: 2, max: 5, integer: true })),
})

/** @throws GatewayError `BAD_OPTION` */
export const hedgeCheck: options.Check<HedgeOptions> = (value, path): HedgeOptions => {
  const checked = hedgeShape(value, path)
  if ((checked.afterMs === undefined) === (checked.percentile === undefined))
    throw wrong(value, path, 'an object with one of afterMs and percentile')
  return checked
}

/** Fills in the defaults. */
export function hedgeSettings(given: HedgeOptions | undefined): HedgeSettings | undefined {
  return given && { ...given, maxAttempts: given.maxAttempts ?? 2 }
}

/** What the others are told when one attempt was answered. */
export const lost = (): GatewayError => new GatewayError('CLIENT_CLOSED', { message: 'another attempt was answered first' })
