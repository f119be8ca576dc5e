import { type Check, type Checks, options } from '@gatelet/core'

/** How a limit is found. */
export type AdaptiveName = 'gradient' | 'aimd'

/** How the limit of an endpoint follows its latency. */
export interface AdaptiveOptions {
  /**
   * `gradient` compares the latency of now with that of long ago, and makes the limit smaller as soon as requests queue up at
   * the endpoint (Netflix's Gradient2). `aimd` adds one for each window that went well and takes a tenth off where an attempt
   * failed or took longer than `timeoutMs`, as TCP does.
   */
  algorithm: AdaptiveName
  /** Where it begins, `min` to `max`. Default 20. */
  initial?: number
  /** The smallest limit, 1 to 1,000,000. Default 5. */
  min?: number
  /** The largest limit, `min` to 1,000,000. Default 200. */
  max?: number
  /** For `aimd`: what takes longer to its headers than this counts as failed, in milliseconds. Default 5,000. */
  timeoutMs?: number
  /** For `gradient`: how much longer than usual is still in order, 1 to 10. Default 1.5. */
  tolerance?: number
}

/** `AdaptiveOptions` with every default filled in. */
export type AdaptiveRules = Readonly<Required<AdaptiveOptions>>

const { either, milliseconds, number, oneOf, optional, shape, wrong } = options

const size = optional(number({ min: 1, max: 1_000_000, integer: true }))

const checks: Checks<AdaptiveOptions> = {
  algorithm: oneOf('gradient', 'aimd'),
  initial: size,
  min: size,
  max: size,
  timeoutMs: optional(milliseconds()),
  tolerance: optional(number({ min: 1, max: 10 })),
}

const inOrder: Check<AdaptiveOptions> = (value, path) => {
  const checked = shape(checks)(value, path)
  const { min, max, initial } = adaptiveRules(checked)
  if (max < min) throw wrong(max, `${path}.max`, `at least min, which is ${min}`)
  if (initial < min || initial > max) throw wrong(initial, `${path}.initial`, `from min to max, which are ${min} and ${max}`)
  return checked
}

export const adaptive: Check<AdaptiveName | AdaptiveOptions> = either(
  "'gradient', 'aimd', or an object with the algorithm",
  oneOf('gradient', 'aimd'),
  inOrder,
)

export function adaptiveRules(given: AdaptiveName | AdaptiveOptions): AdaptiveRules {
  const { algorithm, min, max, initial, timeoutMs, tolerance } =
    typeof given === 'string' ? ({ algorithm: given } as AdaptiveOptions) : given
  const least = min ?? Math.min(5, max ?? 5)
  const most = max ?? Math.max(200, least)
  return {
    algorithm,
    min: least,
    max: most,
    initial: initial ?? Math.min(Math.max(20, least), most),
    timeoutMs: timeoutMs ?? 5_000,
    tolerance: tolerance ?? 1.5,
  }
}
