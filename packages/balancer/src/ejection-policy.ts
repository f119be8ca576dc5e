import { type EjectionRules, maxEjected } from './ejection.ts'
import type { EndpointState } from './endpoint.ts'

/**
 * What is to be done about an endpoint in rotation of whose requests too many failed. Ejecting it means to prefer the others:
 * where all of them fail as well, nobody is better, and those that are ejected are as good a guess as any (`readmit`).
 * Otherwise it is ejected, as long as no more than the allowed share is.
 */
export function verdict(members: readonly EndpointState[], now: number, rules: EjectionRules): 'eject' | 'readmit' | 'wait' {
  const inPlay = members.filter(({ isInPlay }) => isInPlay)
  const serving = inPlay.filter(({ circuit }) => circuit === 'closed')
  const allFail = serving.every(({ ejection }) => ejection.complaint(now, rules) !== undefined)
  if (allFail && !rules.failFast) return 'readmit'
  return inPlay.length - serving.length < maxEjected(inPlay.length, rules) ? 'eject' : 'wait'
}

/** Whether one more may be ejected. */
export function hasRoom(members: readonly EndpointState[], endpoint: EndpointState, rules: EjectionRules): boolean {
  const inPlay = members.filter((member) => member.isInPlay || member === endpoint)
  const resting = inPlay.filter((member) => member.circuit !== 'closed' && member !== endpoint)
  return resting.length < maxEjected(inPlay.length, rules)
}

/** The endpoints whose time is over, or whose probe has not answered for so long that another may be sent. */
export function due(members: readonly EndpointState[], now: number): readonly EndpointState[] {
  return members.filter(({ ejection: { until = Number.POSITIVE_INFINITY } }) => until <= now)
}

/**
 * Where the set has become smaller: as many endpoints as must come back for no more than the allowed share to be ejected;
 * those that have waited longest of their time come first. So there is always one that may be picked: nobody has to choose
 * between refusing everything and asking those that were ejected.
 */
export function beyondShare(members: readonly EndpointState[], now: number, rules: EjectionRules): readonly EndpointState[] {
  const inPlay = members.filter(({ isInPlay }) => isInPlay)
  const resting = inPlay.filter(({ circuit }) => circuit !== 'closed')
  const excess = resting.length - maxEjected(inPlay.length, rules)
  return excess <= 0 ? [] : resting.toSorted((a, b) => timeLeft(a, now) - timeLeft(b, now)).slice(0, excess)
}

/** When there will be something `due`, in monotonic milliseconds; infinity when nothing will. */
export function nextDue(members: readonly EndpointState[]): number {
  return members.reduce((next, { ejection: { until = next } }) => Math.min(next, until), Number.POSITIVE_INFINITY)
}

// Who is probed has waited it all.
const timeLeft = ({ ejectedUntil = 0 }: EndpointState, now: number): number => Math.max(0, ejectedUntil - now)
