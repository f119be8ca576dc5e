import { Affinity } from './affinity/affinity.ts'
import { circuitGate } from './circuit-gate.ts'
import type { Gate } from './gate.ts'
import { createMonitor } from './health/create-monitor.ts'
import type { Monitor } from './health/monitor.ts'
import { Leases } from './leases.ts'
import { Admission } from './limits/admission.ts'
import { Limits } from './limits/limits.ts'
import { Membership } from './membership.ts'
import type { BalancerSettings } from './options.ts'
import { Picking } from './picking.ts'
import { Selection } from './selection/selection.ts'

/** What an ask goes through, in this order, and what that goes by. */
export interface Stages {
  /** Lets it in, has it wait, or refuses it. */
  readonly admission: Admission
  /** Finds its endpoint: the one of its session (`affinity`), else one that is picked (`selection`). */
  readonly picking: Picking
  readonly affinity: Affinity | undefined
  readonly selection: Selection
  /** Gives the lease. */
  readonly leases: Leases
  /** Which endpoints there are, and how well they are. */
  readonly membership: Membership
  readonly monitor: Monitor | undefined
}

/**
 * Puts the stages together. Three things flow back: snapshots of the endpoints to all who go by them, outcomes to all who
 * learn from them, and to the admission that there may be room again.
 */
export function stagesOf(settings: BalancerSettings): Stages {
  const { clock, name, ejection: rules, health, explainShare, queue, priority, shed } = settings
  const freed = () => admission.freed()
  // Whoever keeps endpoints that are well from being picked for the moment.
  const gates: Gate[] = rules ? [circuitGate(rules)] : []
  const limits = new Limits({ rules: settings.limits, clock, name, onRoom: freed }, gates)
  const selection = new Selection(settings, gates)
  const affinity = settings.affinity && new Affinity(settings.affinity, clock, selection)
  const monitor = health && createMonitor(health, { clock, onResult: (endpoint, result) => membership.checked(endpoint, result) })
  const membership = new Membership({
    ...{ clock, rules, name, monitor },
    onSnapshot(snapshot) {
      limits.update(snapshot)
      selection.update(snapshot)
      affinity?.update(snapshot.members)
      admission.update()
    },
  })
  const picking = new Picking({ clock, name, membership, selection, affinity, explainShare })
  const leases = new Leases({
    total: settings.limits.total,
    onGive: (endpoint) => membership.began(endpoint),
    onAnswer(endpoint, outcome, term) {
      selection.report(endpoint, outcome)
      membership.report(endpoint, outcome, term)
      limits.learn(endpoint, outcome)
      admission.learn(outcome)
    },
    onRelease: freed,
  })
  const admission = new Admission({ clock, name, queue, priority, shed, picking, leases, membership })
  return { admission, picking, affinity, selection, leases, membership, monitor }
}
