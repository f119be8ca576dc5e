// Eight buckets for each doubling: what is read is at most 4.5 % off. From 0.05 ms to a quarter of an hour.
const PER_OCTAVE = 8
const SMALLEST_MS = 0.05

/** How many buckets a histogram of latencies has. */
export const BUCKETS = 192

/** The bucket of a latency; what is beyond either end is in the last one there. */
export function bucketOf(ms: number): number {
  const at = Math.floor(Math.log2(ms / SMALLEST_MS) * PER_OCTAVE)
  return at >= 0 ? Math.min(BUCKETS - 1, at) : 0
}

/** The latency in milliseconds that a share `q` of what was counted does not exceed; undefined where nothing was. */
export function quantile(counts: Uint32Array, q: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  const rank = Math.max(1, Math.ceil(q * total))
  let at = 0
  for (let passed = counts[0] ?? 0; passed < rank; passed += counts[at] ?? 0) at++
  return SMALLEST_MS * 2 ** ((at + 0.5) / PER_OCTAVE)
}
