/**
 * The value below which a share `q` (0 to 1) of the values lie, between two of them where need be. NaN of no values.
 * What disturbs a measurement only adds to it, so the lower quartile says more than the mean.
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

/** The values in an order of chance. */
export function shuffled<T>(values: readonly T[], random: () => number = Math.random): T[] {
  const drawn = [...values]
  for (let i = drawn.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[drawn[i], drawn[j]] = [drawn[j] as T, drawn[i] as T]
  }
  return drawn
}
