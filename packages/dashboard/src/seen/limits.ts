import type { Clock, EventMap } from '@gatelet/core'
import type { LimitsView } from '../api/views.ts'
import { BoundedMap, LatestBy } from '../figures/bounded.ts'
import { redacted } from '../redact.ts'

const MAX_POLICIES = 100
const MAX_BANS = 50
const MAX_STORES = 20

interface Ban {
  readonly key: string
  readonly at: number
  readonly until: number
}

/** What rate limiters decided, by policy, and whom they shut out. */
export class Limits {
  private readonly clock: Clock
  private readonly policies = new BoundedMap(MAX_POLICIES, () => ({ allowed: 0, refused: 0, shadow: 0 }))
  private readonly bans = new LatestBy<Ban>(MAX_BANS)
  private readonly stores = new LatestBy<LimitsView['stores'][number]>(MAX_STORES)
  private readonly totals = { allowed: 0, refused: 0, byStore: 0, byProcess: 0, byNobody: 0 }

  constructor(clock: Clock) {
    this.clock = clock
  }

  decided({ verdict, isShadow }: EventMap['rate:decided']): void {
    const { totals } = this
    if (verdict.allowed || isShadow) totals.allowed++
    else totals.refused++
    if (verdict.source === 'store') totals.byStore++
    else if (verdict.source === 'local') totals.byProcess++
    else totals.byNobody++
    for (const { name, allowed } of verdict.policies) {
      const policy = this.policies.at(name)
      if (allowed) policy.allowed++
      else if (isShadow) policy.shadow++
      else policy.refused++
    }
  }

  banned({ key, forMs }: EventMap['rate:banned']): void {
    const at = this.clock.date()
    this.bans.put(key, { key: redacted(key), at, until: at + forMs })
  }

  storeChanged({ store, isAvailable }: EventMap['store:changed']): void {
    this.stores.put(store, { store, isAvailable, at: this.clock.date() })
  }

  view(): LimitsView {
    const now = this.clock.date()
    return {
      ...this.totals,
      policies: this.policies.list().map(([name, counts]) => ({ name, ...counts })),
      bans: this.bans.list().filter(({ until }) => until > now),
      stores: this.stores.list(),
    }
  }
}
