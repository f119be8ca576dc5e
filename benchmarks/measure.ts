import { Contender, type Round } from './contender.ts'
import type { Origin } from './origin.ts'
import type { Payload } from './payloads.ts'
import { shuffled } from './statistics.ts'
import type { Subject } from './subjects.ts'

/** How a round goes. */
export interface RoundPlan {
  /** Turns that do not count: connections open, and the engine compiles what is hot. */
  readonly warmUpTurns: number
  readonly countedTurns: number
  readonly turnMs: number
}

/**
 * Starts every subject afresh and loads them in turns, each time in an order of chance: what else the machine does for some
 * seconds falls on all of them alike.
 */
export async function measureRound(
  subjects: readonly Subject[],
  payload: Payload,
  plan: RoundPlan,
  origin: Origin,
): Promise<Map<string, Round>> {
  const contenders: Contender[] = []
  for (const subject of shuffled(subjects)) contenders.push(await Contender.start(subject, payload, origin))
  for (let turn = 0; turn < plan.warmUpTurns + plan.countedTurns; turn++) {
    for (const contender of shuffled(contenders)) await contender.takeTurn(plan.turnMs, turn >= plan.warmUpTurns)
  }
  const rounds = new Map<string, Round>()
  for (const contender of contenders) rounds.set(contender.subject.id, await contender.finish())
  return rounds
}
