import { type EjectionRules, maxEjected } from './ejection.ts'
import type { EndpointState } from './endpoint.ts'

/** An endpoint that is ejected no longer, and why. */
export type Readmitted = readonly [endpoint: EndpointState, reason: string]

/**
 * What is to be done about an endpoint in rotation that has failed too often in a row. Ejecting it means to prefer the others:
 * where all of them fail as well, nobody is better, and those that are ejected are as good a guess as any (`readmit`).
 * Otherwise it is ejected, as long as no more than the allowed share is.
 */
export function verdict(members: readonly EndpointState[], rules: EjectionRules): 'eject' | 'readmit' | 'wait' {
  const active = members.filter(({ state }) => state === 'active')
  if (active.every(({ ejection }) => ejection.isFailing(rules))) return 'readmit'
  const ejected = members.filter(({ state }) => state === 'ejected').length
  return ejected < maxEjected(active.length + ejected, rules) ? 'eject' : 'wait'
}

/**
 * Readmits the endpoints whose time is over, and, where the set has become smaller, as many more as it takes for no more
 * than the allowed share to be ejected; those that have waited longest of their time come first. So there is always one
 * that may be picked: nobody has to choose between refusing everything and asking those that were ejected.
 */
export function readmit(members: readonly EndpointState[], now: number, rules: EjectionRules): readonly Readmitted[] {
  const ejected = members.filter(({ ejectedUntil }) => ejectedUntil !== undefined)
  if (ejected.length === 0) return []
  const due = ejected.filter((member) => timeLeft(member, now) <= 0)
  for (const { ejection } of due) ejection.readmit(now)
  const spare = beyondShare(members, now, rules)
  for (const { ejection } of spare) ejection.readmit(now)
  return [
    ...due.map((member): Readmitted => [member, 'its time is over']),
    ...spare.map((member): Readmitted => [member, 'too few others are left']),
  ]
}

/** When the next ejection is over, in monotonic milliseconds; infinity when there is none. */
export function nextReadmission(members: readonly EndpointState[]): number {
  return members.reduce((next, { ejectedUntil = next }) => Math.min(next, ejectedUntil), Number.POSITIVE_INFINITY)
}

function beyondShare(members: readonly EndpointState[], now: number, rules: EjectionRules): readonly EndpointState[] {
  const ejected = members.filter(({ state }) => state === 'ejected')
  const allowed = maxEjected(members.filter(({ state }) => state !== 'draining').length, rules)
  if (ejected.length <= allowed) return []
  return ejected.toSorted((a, b) => timeLeft(a, now) - timeLeft(b, now)).slice(0, ejected.length - allowed)
}

const timeLeft = ({ ejectedUntil = 0 }: EndpointState, now: number): number => ejectedUntil - now
