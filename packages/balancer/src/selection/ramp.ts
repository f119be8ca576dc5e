/** How an endpoint that comes new gets its share. `SlowStartOptions` with every default filled in. */
export interface SlowStartRules {
  readonly windowMs: number
  readonly minWeight: number
  readonly aggression: number
}

/** Into how many steps a window is divided. */
export const STEPS = 20

/**
 * Which part of its weight an endpoint has so long after it came: max(minWeight, (time / window)^(1 / aggression)), as in Envoy
 * but without its least time of one second, which `minWeight` stands for as well. Counted in whole steps.
 */
export function rampAt(elapsedMs: number, { windowMs, minWeight, aggression }: SlowStartRules): number {
  // Rounding must not keep a step from being reached at its time.
  const step = Math.floor((elapsedMs / windowMs) * STEPS + 1e-9)
  if (step >= STEPS) return 1
  return Math.max(minWeight, (step / STEPS) ** (1 / aggression))
}
