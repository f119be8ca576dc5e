import { type Check, options } from '@gatelet/core'

type Unit = 'ms' | 's' | 'm' | 'h' | 'd'

/** A length of time: milliseconds, or a whole number with its unit, as `'500ms'`, `'10s'`, `'1m'`, `'1h'`, `'1d'`. */
export type Duration = number | `${number}${Unit}`

const msOf: Readonly<Record<Unit, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** So long that nobody waits for it, so short that sums of it are exact. */
const MAX_MS = 366 * msOf.d

/** A duration from 1 ms to 366 days, as whole milliseconds. */
export const duration: Check<number> = (value, path) => {
  const ms = typeof value === 'string' ? parsed(value) : value
  const isRight = typeof ms === 'number' && Number.isInteger(ms) && ms >= 1 && ms <= MAX_MS
  if (!isRight) throw options.wrong(value, path, "1 ms to 366 days: whole milliseconds, or such as '10s', '1m', '1h', '1d'")
  return ms
}

function parsed(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? []
  return unit === undefined ? undefined : Number(digits) * msOf[unit as Unit]
}

/** The shortest way to write it: `10s`, `1m`, `36h`. */
export function durationText(ms: number): string {
  const units = (['d', 'h', 'm', 's'] as const).find((unit) => ms % msOf[unit] === 0) ?? 'ms'
  return `${ms / msOf[units]}${units}`
}
