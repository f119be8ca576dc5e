/**
 * Milliseconds to wait before a lost connection is opened again: a random part of a time that doubles ("full jitter"), so that
 * those that were lost together do not come back together.
 * @param failures how often it was lost before, running
 */
export function fullJitter(failures: number, limits: { baseMs: number; maxMs: number }, random: () => number): number {
  return random() * Math.min(limits.maxMs, limits.baseMs * 2 ** Math.min(failures, 30))
}
